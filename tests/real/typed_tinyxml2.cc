/* SPDX-License-Identifier: MIT */
#include "typed.h"

#include <algorithm>

long typed(const typed_sandbox &box, const unsigned char *in,
	   std::size_t length, unsigned char *out, std::size_t room)
{
	modiso::tainted<std::size_t> size;
	const auto document =
		box.call<&xml_parse>(text_of(in), length).value();
	const auto error = box.call<&xml_error>(document).value();
	const auto text =
		box.call<&xml_print>(document, error, &size).value();

	length = std::min(size.unverified(), room);
	box.read(text, reinterpret_cast<char *>(out), length).value();
	box.call<&xml_delete>(document).value();
	return long(length);
}
