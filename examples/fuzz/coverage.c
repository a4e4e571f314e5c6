/* SPDX-License-Identifier: MIT */
/*
 * coverage.c - linked into the module: where clang's counters are. The compiler
 * makes a constructor of every file that it counts in; the loader runs it,
 * inside the module.
 */
#include "coverage.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT struct coverage coverage;

void __sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *stop);
void __sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *stop);

/* The counters of a whole module lie side by side; each file tells all. */
void __sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *stop)
{
	coverage.counters = start;
	coverage.counter_count = (unsigned long)(stop - start);
}

/* Two words for each counter: an address and what is there. */
void __sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *stop)
{
	coverage.pcs = start;
	coverage.pc_words = (unsigned long)(stop - start);
}
