/* SPDX-License-Identifier: MIT */
#include "typed.h"

long typed(const typed_sandbox &box, const unsigned char *in,
	   std::size_t length, unsigned char *out, std::size_t room)
{
	const auto result =
		box.call<&ZSTD_decompress>(out, room, in, length).value();
	const auto code =
		box.call<&ZSTD_getErrorCode>(result.unverified()).value();

	if (code.between(ZSTD_error_no_error, ZSTD_error_no_error))
		return long(result.between(0, room).value());
	return -long(code.between(ZSTD_error_no_error, ZSTD_error_maxCode)
			     .value());
}
