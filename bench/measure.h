/* SPDX-License-Identifier: MIT */
/*
 * measure.h - from batches to numbers.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "worker.h"

#define RESULTS_MAX 128

struct result {
	const struct bench_row *row;
	struct worker *worker;
	unsigned number; /* of the row in its worker */
	uint64_t batch;  /* rounds in a sample */
	double *samples; /* per call */
	unsigned count;
	int rc; /* BENCH_FAILED, BENCH_ABSENT: no numbers */
	char reason[WORKER_REASON];
	double least, median, p99;
};

struct plan {
	struct result results[RESULTS_MAX];
	unsigned count;
	unsigned samples;
	double batch_ns; /* that a batch takes at least */
	bool counting;   /* instructions, not time */
};

/* Both fill in the numbers of every result, or its reason. */
void measure_time(struct plan *plan);
void measure_instructions(struct plan *plan);

/* The result of a row, or NULL where it has no numbers. */
const struct result *measure_find(const struct plan *plan,
				  enum worker_place place, const char *name);

#endif /* BENCH_MEASURE_H */
