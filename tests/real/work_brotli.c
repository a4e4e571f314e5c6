/* SPDX-License-Identifier: MIT */
/* Decompress a .br file. */
#include "work.h"

#include <brotli/decode.h>

long work(const unsigned char *in, unsigned long length, unsigned char *out,
	  unsigned long room)
{
	size_t used = room;
	BrotliDecoderResult result =
		BrotliDecoderDecompress(length, in, &used, out);

	return result == BROTLI_DECODER_RESULT_SUCCESS ? (long)used
						       : -1 - (long)result;
}
