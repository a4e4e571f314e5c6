/* SPDX-License-Identifier: MIT */
/*
 * Decode a picture, and say what was wrong with it. The pixels of a bitmap are
 * compressed first, and what comes out stands before the pixels.
 */
#include "work.h"

#include <string.h>
#include <turbojpeg.h>

#define BMP_HEADER 54

static long decode(tjhandle handle, const unsigned char *in,
		   unsigned long length, unsigned char *out, unsigned long room)
{
	int width, height, sampling, colors;
	unsigned long used = 0, said;

	if (tjDecompressHeader3(handle, in, length, &width, &height, &sampling,
				&colors) == 0 &&
	    (unsigned long)width * 3 <= room / 2 / (unsigned long)height) {
		used = (unsigned long)width * 3 * (unsigned long)height;
		memset(out, 0, used);
		if (tjDecompress2(handle, in, length, out, width, 0, height,
				  TJPF_RGB, 0) == 0)
			return (long)used;
	}
	/* Of one that is not whole there are pixels as well. */
	said = strlen(tjGetErrorStr2(handle));
	memcpy(out + used, tjGetErrorStr2(handle), said);
	return (long)(used + said);
}

static unsigned word(const unsigned char *at)
{
	return at[0] | (unsigned)at[1] << 8;
}

static long encode(const unsigned char *in, unsigned long length,
		   unsigned char *out, unsigned long room)
{
	const unsigned width = word(in + 18), height = word(in + 22);
	const unsigned long line = (width * 3ul + 3) & ~3ul;
	const tjhandle handle = tjInitCompress();
	unsigned long size = room / 2;
	int result = -1;

	if (line * height <= length - BMP_HEADER &&
	    tjBufSize((int)width, (int)height, TJSAMP_420) <= size)
		result = tjCompress2(handle, in + BMP_HEADER, (int)width,
				     (int)line, (int)height, TJPF_BGR, &out,
				     &size, TJSAMP_420, 90,
				     TJFLAG_BOTTOMUP | TJFLAG_NOREALLOC);
	tjDestroy(handle);
	return result == 0 ? (long)size : -1;
}

long work(const unsigned char *in, unsigned long length, unsigned char *out,
	  unsigned long room)
{
	long packed = 0, size;
	tjhandle handle;

	if (length >= BMP_HEADER && in[0] == 'B' && in[1] == 'M') {
		packed = encode(in, length, out, room);
		if (packed < 0)
			return -1;
		in = out;
		length = (unsigned long)packed;
	}
	handle = tjInitDecompress();
	size = decode(handle, in, length, out + packed,
		      room - (unsigned long)packed);
	tjDestroy(handle);
	return packed + size;
}
