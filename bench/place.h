/* SPDX-License-Identifier: MIT */
/*
 * place.h - what is measured in the place of a worker: its subjects, one after
 * the other, and a batch of a row.
 */
#ifndef BENCH_PLACE_H
#define BENCH_PLACE_H

#include "worker.h"

/* Which there are on this system; the last one is NULL: worker.c. */
extern const struct bench_subject *const place_base_subjects[];
extern const struct bench_subject *const place_backend_subjects[];

/* All of them, and the library below. 0, or as worker_start() with a reason. */
int place_open(enum worker_place place);
void place_close(enum worker_place place);

/* As worker_measure(). */
int place_measure(const struct bench_row *row, uint64_t rounds,
		  uint64_t *ticks);

#endif /* BENCH_PLACE_H */
