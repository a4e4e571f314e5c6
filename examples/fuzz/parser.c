/* SPDX-License-Identifier: MIT */
/*
 * parser.c - the target: a reader of small pictures, as a module.
 *
 *	"PIC1", width, height, then chunks: 'P' n, n times (index, colour);
 *	'R' count, pixel; 'E'
 *
 * It has one mistake, of a common kind: an index of the palette is taken from
 * the file, and only its low bits are looked at.
 */
#include <stdint.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

struct picture {
	uint8_t width, height;
	uint32_t drawn;
	uint32_t palette[16];
};

struct reader {
	const uint8_t *at, *end;
};

static int byte(struct reader *reader)
{
	return reader->at < reader->end ? *reader->at++ : -1;
}

/* Apart from the rest, so that a report names it. */
static __attribute__((noinline)) void set_colour(struct picture *picture,
						 unsigned index, int colour)
{
	if ((index & 0xff) < 16)
		picture->palette[index] = (uint32_t)colour;
}

static int read_palette(struct reader *reader, struct picture *picture)
{
	int count = byte(reader);

	while (count-- > 0) {
		int low = byte(reader), high = byte(reader);
		int colour = byte(reader);

		if (colour < 0)
			return -1;
		set_colour(picture, (unsigned)(high << 8 | low), colour);
	}
	return 0;
}

static int read_run(struct reader *reader, struct picture *picture)
{
	int count = byte(reader), pixel = byte(reader);

	if (pixel < 0 || pixel >= 16)
		return -1;
	picture->drawn += (uint32_t)count;
	return picture->drawn <= picture->width * picture->height ? 0 : -1;
}

/* 0, or -1 for what is no picture. */
EXPORT long parse(const uint8_t *bytes, unsigned long length)
{
	struct reader reader = {bytes, bytes + length};
	struct picture picture;

	memset(&picture, 0, sizeof(picture));
	if (byte(&reader) != 'P' || byte(&reader) != 'I' ||
	    byte(&reader) != 'C' || byte(&reader) != '1')
		return -1;
	picture.width = (uint8_t)byte(&reader);
	picture.height = (uint8_t)byte(&reader);
	for (;;) {
		switch (byte(&reader)) {
		case 'P':
			if (read_palette(&reader, &picture) != 0)
				return -1;
			break;
		case 'R':
			if (read_run(&reader, &picture) != 0)
				return -1;
			break;
		case 'E':
			return 0;
		default:
			return -1;
		}
	}
}
