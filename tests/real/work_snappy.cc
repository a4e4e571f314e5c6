/* SPDX-License-Identifier: MIT */
/*
 * Compress, damage what comes out in a few places, and decompress. What stays
 * is the length of the text in front.
 */
extern "C" {
#include "work.h"
}

#include <algorithm>
#include <cstring>
#include <snappy.h>

long work(const unsigned char *in, unsigned long length, unsigned char *out,
	  unsigned long room)
{
	char *packed = (char *)out, *text = (char *)out + room / 2;
	size_t size, place;
	bool good[9];

	length = std::min(length, room / 4);
	snappy::RawCompress((const char *)in, length, packed, &size);
	for (unsigned i = 0; i < 9; i++) {
		place = size > 5 ? 5 + i * 7919 % (size - 5) : 0;
		if (i > 0 && place != 0)
			packed[place] ^= (char)(1 << (i - 1));
		good[i] = snappy::RawUncompress(packed, size, text);
		if (i == 0 && (!good[0] || memcmp(text, in, length) != 0))
			return -1;
		if (i > 0 && place != 0)
			packed[place] ^= (char)(1 << (i - 1));
		if (good[i] && length > 0)
			good[i] = text[length / 3] & 1;
	}
	std::memcpy(packed + size, good, sizeof(good));
	return (long)(size + sizeof(good));
}
