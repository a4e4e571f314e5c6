/* SPDX-License-Identifier: MIT */
#include "typed.h"

#include <algorithm>

long typed(const typed_sandbox &box, const unsigned char *in,
	   std::size_t length, unsigned char *out, std::size_t room)
{
	const auto document = box.call<&tinyxml2_XMLDocument_new>(
		true, tinyxml2::PRESERVE_WHITESPACE).value();
	const auto printer = box.call<&tinyxml2_XMLPrinter_new>().value();

	box.call<&tinyxml2_XMLDocument_Parse>(document, text_of(in), length)
		.value();
	box.call<&tinyxml2_XMLDocument_Print>(document, printer).value();
	const auto failed =
		box.call<&tinyxml2_XMLDocument_Error>(document).value();
	if (failed.unverified()) {
		const auto error = box.call<&tinyxml2_XMLDocument_ErrorStr>(
			document).value();

		box.call<&tinyxml2_XMLPrinter_PushComment>(printer, error)
			.value();
	}
	const auto size =
		box.call<&tinyxml2_XMLPrinter_CStrSize>(printer).value();
	const auto text = box.call<&tinyxml2_XMLPrinter_CStr>(printer).value();
	length = std::min(std::size_t(size.unverified()) - 1, room);
	box.read(text, reinterpret_cast<char *>(out), length).value();
	box.call<&tinyxml2_XMLPrinter_delete>(printer).value();
	box.call<&tinyxml2_XMLDocument_delete>(document).value();
	return long(length);
}
