/* SPDX-License-Identifier: MIT */
/* Decompress a .zst file. */
#include "work.h"

#include <zstd.h>
#include <zstd_errors.h>

long work(const unsigned char *in, unsigned long length, unsigned char *out,
	  unsigned long room)
{
	size_t result = ZSTD_decompress(out, room, in, length);

	return ZSTD_isError(result) ? -(long)ZSTD_getErrorCode(result)
				    : (long)result;
}
