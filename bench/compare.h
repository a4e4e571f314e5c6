/* SPDX-License-Identifier: MIT */
/*
 * compare.h - this run beside an earlier one, and whether a difference is more
 * than noise.
 *
 * Times: each run has the medians of 20 stretches of it (result.blocks), which
 * differ by what disturbs a machine for seconds. Mann and Whitney's test of the
 * two sets, with both sides and a correction for rows of which many are
 * compared, says whether they are of one distribution. A row is faster or
 * slower when that is unlikely, below 1 in 100 for all rows together, and its
 * median differs by at least 3 %. Instructions: any difference is one.
 */
#ifndef BENCH_COMPARE_H
#define BENCH_COMPARE_H

#include "measure.h"

/* Reads what --json wrote. Returns 0, or -1 after a message. */
int compare_read(const char *file, bool counting);

/* Returns whether a row is slower. */
bool compare_print(const struct plan *plan, FILE *out);

#endif /* BENCH_COMPARE_H */
