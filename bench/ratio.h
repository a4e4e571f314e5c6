/* SPDX-License-Identifier: MIT */
/*
 * ratio.h - what the project promises to keep small, as quotients of rows of
 * the same run.
 */
#ifndef BENCH_RATIO_H
#define BENCH_RATIO_H

#include "measure.h"

struct ratio {
	const char *name;
	double value;
};

#define RATIOS_MAX 44

/* Those that can be had of @plan; returns how many. */
unsigned ratio_collect(const struct plan *plan,
		       struct ratio ratios[RATIOS_MAX]);

#endif /* BENCH_RATIO_H */
