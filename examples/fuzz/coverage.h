/* SPDX-License-Identifier: MIT */
/* coverage.h - what the module tells the host about its counters. */
#ifndef FUZZ_COVERAGE_H
#define FUZZ_COVERAGE_H

#include <stdint.h>

struct coverage {
	uint8_t *counters;
	unsigned long counter_count;
	const uintptr_t *pcs;
	unsigned long pc_words;
};

#endif /* FUZZ_COVERAGE_H */
