/* SPDX-License-Identifier: MIT */
#include "typed.h"

long typed(const typed_sandbox &box, const unsigned char *in,
	   std::size_t length, unsigned char *out, std::size_t room)
{
	modiso::tainted<std::size_t> used(room);
	const auto result =
		box.call<&BrotliDecoderDecompress>(length, in, &used, out)
			.value();

	if (!result.verify([](BrotliDecoderResult code) {
		    return code == BROTLI_DECODER_RESULT_SUCCESS;
	    }))
		return -1 - long(result.unverified());
	return long(used.between(0, room).value());
}
