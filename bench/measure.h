/* SPDX-License-Identifier: MIT */
/*
 * measure.h - from batches to numbers.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "worker.h"

#define RESULTS_MAX 192
#define SAMPLES_MAX 5000 /* of a row */
#define BLOCKS      20

struct result {
	const struct bench_row *row;
	struct worker *worker;
	unsigned number; /* of the row in its worker */
	uint64_t batch;  /* rounds in a sample */
	double *samples; /* per call */
	unsigned count;
	double seconds; /* that they took, with what is not measured */
	int rc; /* BENCH_FAILED, BENCH_ABSENT: no numbers */
	char reason[WORKER_REASON];
	double least, median, p90, p99, p999, most;
	/*
	 * Medians of as many stretches of the run, in the order of time: what
	 * lasts longer than a sample makes them differ.
	 */
	double blocks[BLOCKS];
	unsigned block_count;
};

struct plan {
	struct result results[RESULTS_MAX];
	unsigned count;
	unsigned samples;
	double batch_ns; /* that a batch takes at least */
	double seconds;  /* for all of it, about */
	bool counting;   /* instructions, not time */
};

/* Both fill in the numbers of every result, or its reason. */
void measure_time(struct plan *plan);
void measure_instructions(struct plan *plan);

/* Called by a signal: what is there by then is all there is. */
void measure_stop(int signo);

/* The smallest sample that @share of all do not exceed; of sorted samples. */
double measure_quantile(const double *samples, unsigned count, double share);

/* The result of a row, or NULL where it has no numbers. */
const struct result *measure_find(const struct plan *plan,
				  enum worker_place place, const char *name);

#endif /* BENCH_MEASURE_H */
