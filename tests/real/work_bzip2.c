/* SPDX-License-Identifier: MIT */
/* Decompress a .bz2 file. */
#include "work.h"

#include <bzlib.h>

long work(const unsigned char *in, unsigned long length, unsigned char *out,
	  unsigned long room)
{
	unsigned used = (unsigned)room;
	int result = BZ2_bzBuffToBuffDecompress((char *)out, &used, (char *)in,
						(unsigned)length, 0, 0);

	return result == BZ_OK ? (long)used : result;
}
