/* SPDX-License-Identifier: MIT */
/*
 * Make a web font of a font, damage it in a few places, and make fonts of what
 * comes out.
 */
extern "C" {
#include "work.h"
}

#include <algorithm>
#include <cstring>
#include <woff2/decode.h>
#include <woff2/encode.h>

namespace
{

struct answer {
	unsigned char *out;
	size_t used, room;
};

void unpack(answer &answer, const unsigned char *packed, size_t length)
{
	const size_t most =
		std::min(answer.room - answer.used,
			 woff2::ComputeWOFF2FinalSize(packed, length));
	woff2::WOFF2MemoryOut font(answer.out + answer.used, most);

	std::memset(answer.out + answer.used, 0, most);
	if (woff2::ConvertWOFF2ToTTF(packed, length, &font))
		answer.used += font.Size();
	else if (answer.room - answer.used > 0)
		answer.out[answer.used++] = '-';
}

} // namespace

long work(const unsigned char *in, unsigned long length, unsigned char *out,
	  unsigned long room)
{
	size_t size = woff2::MaxWOFF2CompressedSize(in, length);
	woff2::WOFF2Params params;

	/* Of what it can it takes a quarter of a minute. */
	params.brotli_quality = 5;
	if (size > room / 2)
		return -1;
	/* It leaves the bytes up to a multiple of four as they are. */
	std::memset(out, 0, size);
	if (!woff2::ConvertTTFToWOFF2(in, length, out, &size, params))
		return -1;
	answer answer = {out, size, room};
	unpack(answer, out, size);
	for (size_t i = 0; i < (length < 100000 ? 8 : 0); i++) {
		const size_t place = i * 7919 % size;

		out[place] ^= (unsigned char)(1 << i);
		unpack(answer, out, size);
		out[place] ^= (unsigned char)(1 << i);
	}
	return (long)answer.used;
}
