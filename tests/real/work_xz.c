/* SPDX-License-Identifier: MIT */
/* Decompress an .xz file. */
#include "work.h"

#include <lzma.h>

long work(const unsigned char *in, unsigned long length, unsigned char *out,
	  unsigned long room)
{
	uint64_t limit = 64 << 20;
	size_t at = 0, used = 0;
	lzma_ret result = lzma_stream_buffer_decode(
		&limit, LZMA_CONCATENATED, NULL, in, &at, length, out, &used,
		room);

	return result == LZMA_OK ? (long)used : -(long)result;
}
