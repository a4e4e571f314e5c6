/* SPDX-License-Identifier: MIT */
#include "typed.h"

long typed(const typed_sandbox &box, const unsigned char *in,
	   std::size_t length, unsigned char *out, std::size_t room)
{
	modiso::tainted<json_error_t> error;

	box.call<&json_object_seed>(1u).value();
	const auto value =
		box.call<&json_loadb>(text_of(in), length,
				      std::size_t{JSON_DECODE_ANY}, &error)
			.value();
	if (value.is_null())
		return -1 - error.unverified().line;
	const auto used =
		box.call<&json_dumpb>(value, reinterpret_cast<char *>(out),
				      room, std::size_t{JSON_ENCODE_ANY})
			.value();
	/* What json_decref() of the header calls for who was the only one. */
	box.call<&json_delete>(value).value();
	return long(used.unverified());
}
