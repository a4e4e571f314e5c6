/* SPDX-License-Identifier: MIT */
/*
 * support/scan_samples.h - forbidden instructions in all their spellings, and
 * instructions that look like them.
 */
#ifndef TESTS_SUPPORT_SCAN_SAMPLES_H
#define TESTS_SUPPORT_SCAN_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

struct sample {
	const char *name;
	uint32_t kind; /* enum modiso_scan_kind; 0: harmless */
	size_t skip;   /* prefixes in front that do not belong to a hit */
	size_t length;
	uint8_t bytes[16];
};

#define SAMPLES  32
#define HARMLESS 38

extern const struct sample samples[SAMPLES];
extern const struct sample harmless[HARMLESS];

#endif /* TESTS_SUPPORT_SCAN_SAMPLES_H */
