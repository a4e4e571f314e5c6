/* SPDX-License-Identifier: MIT */
#include "unit/scan_found.h"

#include <stdlib.h>

struct places found;

int collect(const struct mdi_scan_place *place, void *arg)
{
	struct places *places = arg;

	if (places->count == MOST)
		ck_abort_msg("more than %d hits", MOST);
	places->at[places->count++] = *place;
	return 0;
}

void scan_cut(const uint8_t *bytes, size_t length, size_t first, size_t step)
{
	struct mdi_scan scan;
	size_t done = 0, part = first;

	found.count = 0;
	mdi_scan_start(&scan, MODISO_SCAN_ALL, collect, &found);
	while (done < length) {
		if (part > length - done)
			part = length - done;
		if (mdi_scan_feed(&scan, bytes + done, part) != 0)
			ck_abort_msg("stopped unasked");
		done += part;
		part = step;
	}
}

void scan_whole(const uint8_t *bytes, size_t length)
{
	scan_cut(bytes, length, length, length);
}

void fill(uint8_t *bytes, size_t length, unsigned *seed)
{
	static const uint8_t likely[] = {0x0f, 0x0f, 0x01, 0xef, 0xae, 0xc7,
					 0x05, 0x34, 0xcd, 0x80, 0xd5, 0xd0,
					 0xd8, 0x28, 0x18, 0xe8, 0xf3, 0xf3,
					 0x48, 0x66, 0xf2, 0x2e};

	for (size_t i = 0; i < length; i++)
		bytes[i] =
			rand_r(seed) % 8
				? likely[(size_t)rand_r(seed) % sizeof(likely)]
				: (uint8_t)rand_r(seed);
}
