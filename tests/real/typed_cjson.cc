/* SPDX-License-Identifier: MIT */
#include "typed.h"

#include <cstring>

long typed(const typed_sandbox &box, const unsigned char *in,
	   std::size_t length, unsigned char *out, std::size_t room)
{
	const auto value =
		box.call<&cJSON_ParseWithLength>(text_of(in), length).value();
	const bool done =
		!value.is_null() &&
		box.call<&cJSON_PrintPreallocated>(
			   value, reinterpret_cast<char *>(out), int(room), 0)
				.value()
				.unverified() != 0;

	box.call<&cJSON_Delete>(value).value();
	return done ? long(strnlen(text_of(out), room)) : -1;
}
