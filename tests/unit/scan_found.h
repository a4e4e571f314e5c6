/* SPDX-License-Identifier: MIT */
/*
 * unit/scan_found.h - what a scan of bytes finds, in one piece or cut in two.
 */
#ifndef TESTS_UNIT_SCAN_FOUND_H
#define TESTS_UNIT_SCAN_FOUND_H

#include "support/world.h"

#include "code/scan.h"

#include <modiso.h>

#define MOST 4096

/*
 * Check tells its parent of every assertion; what is asked millions of times
 * asks first.
 */

struct places {
	size_t count;
	struct mdi_scan_place at[MOST];
};

extern struct places found;

int collect(const struct mdi_scan_place *place, void *arg);

/* Scan, cut behind every @step bytes after the first @first. */
void scan_cut(const uint8_t *bytes, size_t length, size_t first, size_t step);

void scan_whole(const uint8_t *bytes, size_t length);

/* Bytes of which forbidden instructions are made, most of the time. */
void fill(uint8_t *bytes, size_t length, unsigned *seed);

#endif /* TESTS_UNIT_SCAN_FOUND_H */
