/* SPDX-License-Identifier: MIT */
/*
 * worker.h - a process for each backend, and one without any.
 */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include "bench.h"

#include <sys/types.h>

enum worker_place {
	PLACE_BASE, /* no modiso_init() */
	PLACE_PKEY,
	PLACE_MPROTECT,
	PLACES
};

#define WORKER_REASON 192

struct worker {
	enum worker_place place;
	pid_t pid;
	int question, answer;
	bool gone;                  /* it has died, or does not answer */
	char reason[WORKER_REASON]; /* of the last failure */
};

const char *worker_place_name(enum worker_place place);

/* The rows of a place, one after the other; NULL behind the last. */
const struct bench_row *worker_row(enum worker_place place, unsigned number);

/* Returns 0, or BENCH_FAILED or BENCH_ABSENT with worker->reason. */
int worker_start(struct worker *worker, enum worker_place place);
void worker_stop(struct worker *worker);

/*
 * One batch of a row, after a short one that is not measured.
 * @ticks: receives what the clock says of all its rounds.
 * Returns as worker_start().
 */
int worker_measure(struct worker *worker, unsigned row, uint64_t rounds,
		   uint64_t *ticks);

#endif /* BENCH_WORKER_H */
