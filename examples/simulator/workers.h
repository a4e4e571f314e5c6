/* SPDX-License-Identifier: MIT */
/*
 * workers.h - threads that share the work of a tick.
 */
#ifndef SIMULATOR_WORKERS_H
#define SIMULATOR_WORKERS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define WORKERS_MAX 64

struct workers {
	pthread_t threads[WORKERS_MAX];
	uint32_t count;
	pthread_barrier_t begin, end;
	void (*work)(void *arg, uint32_t item);
	void *arg;
	atomic_uint next; /* item that nobody has taken yet */
	uint32_t items;
	bool stop; /* written between the barriers "end" and "begin" */
};

/* Starts @count threads. Returns 0, or -1 after a message. */
int workers_start(struct workers *workers, uint32_t count,
		  void (*work)(void *arg, uint32_t item), void *arg);

/* Has work(arg, 0) to work(arg, items - 1) done; returns when all are. */
void workers_run(struct workers *workers, uint32_t items);

void workers_stop(struct workers *workers);

#endif /* SIMULATOR_WORKERS_H */
