/* SPDX-License-Identifier: MIT */
/* Decompress a gzip or zlib stream. */
#include "work.h"

#include <string.h>
#include <zlib.h>

long work(const unsigned char *in, unsigned long length, unsigned char *out,
	  unsigned long room)
{
	z_stream stream;
	int result;

	memset(&stream, 0, sizeof(stream));
	if (inflateInit2(&stream, 15 + 32) != Z_OK)
		return -1;
	stream.next_in = (unsigned char *)in;
	stream.avail_in = (unsigned)length;
	stream.next_out = out;
	stream.avail_out = (unsigned)room;
	result = inflate(&stream, Z_FINISH);
	inflateEnd(&stream);
	return result == Z_STREAM_END ? (long)stream.total_out : result - 100;
}
