/* SPDX-License-Identifier: MIT */
#include "typed.h"

long typed(const typed_sandbox &box, const unsigned char *in,
	   std::size_t length, unsigned char *out, std::size_t room)
{
	modiso::tainted<std::uint64_t> limit(64 << 20);
	modiso::tainted<std::size_t> at, used;
	const auto result = box.call<&lzma_stream_buffer_decode>(
		&limit, std::uint32_t{LZMA_CONCATENATED}, nullptr, in, &at,
		length, out, &used, room).value();

	if (!result.between(LZMA_OK, LZMA_OK))
		return -long(result.unverified());
	return long(used.between(0, room).value());
}
