/* SPDX-License-Identifier: MIT */
/*
 * histogram.h - how samples are spread: intervals that grow by one factor, from
 * the least sample to the largest.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include "measure.h"

#define BUCKETS 20

struct bucket {
	double most; /* of the samples in it, and more than the one before */
	unsigned count;
};

/* Returns how many. */
unsigned histogram_make(const struct result *result,
			struct bucket buckets[BUCKETS]);

#endif /* BENCH_HISTOGRAM_H */
