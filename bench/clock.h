/* SPDX-License-Identifier: MIT */
/*
 * clock.h - what batches are measured with: nanoseconds, or instructions on a
 * machine whose time-stamp counter counts them.
 */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Counts instructions from now on. Returns false, and changes nothing, where
 * the counter does not do that: anywhere but in "qemu -icount shift=0".
 */
bool clock_count_instructions(void);

uint64_t clock_now(void);

/* What two readings in a row differ by, in nanoseconds: the median of many. */
double clock_cost_ns(void);

#endif /* BENCH_CLOCK_H */
