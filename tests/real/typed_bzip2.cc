/* SPDX-License-Identifier: MIT */
#include "typed.h"

long typed(const typed_sandbox &box, const unsigned char *in,
	   std::size_t length, unsigned char *out, std::size_t room)
{
	modiso::tainted<unsigned> used(static_cast<unsigned>(room));
	const auto result = box.call<&BZ2_bzBuffToBuffDecompress>(
		reinterpret_cast<char *>(out), &used, text_of(in),
		unsigned(length), 0, 0).value();

	if (!result.between(BZ_OK, BZ_OK))
		return result.unverified();
	return used.between(0, unsigned(room)).value();
}
