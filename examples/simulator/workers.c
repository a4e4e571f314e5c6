/* SPDX-License-Identifier: MIT */
#include "workers.h"

#include <stdio.h>
#include <string.h>

static void *worker_main(void *arg)
{
	struct workers *workers = arg;
	uint32_t item;

	for (;;) {
		pthread_barrier_wait(&workers->begin);
		if (workers->stop)
			return NULL;
		/* Whoever is free takes the next one: an order of its own. */
		while ((item = atomic_fetch_add(&workers->next, 1)) <
		       workers->items)
			workers->work(workers->arg, item);
		pthread_barrier_wait(&workers->end);
	}
}

int workers_start(struct workers *workers, uint32_t count,
		  void (*work)(void *arg, uint32_t item), void *arg)
{
	int rc;

	workers->count = 0;
	workers->work = work;
	workers->arg = arg;
	workers->stop = false;
	pthread_barrier_init(&workers->begin, NULL, count + 1);
	pthread_barrier_init(&workers->end, NULL, count + 1);
	while (workers->count < count) {
		rc = pthread_create(&workers->threads[workers->count], NULL,
				    worker_main, workers);
		if (rc != 0) {
			/* The barriers wait for threads that never come. */
			fprintf(stderr, "simulator: thread %u of %u: %s\n",
				workers->count + 1, count, strerror(rc));
			return -1;
		}
		workers->count++;
	}
	return 0;
}

void workers_run(struct workers *workers, uint32_t items)
{
	atomic_store(&workers->next, 0);
	workers->items = items;
	pthread_barrier_wait(&workers->begin);
	pthread_barrier_wait(&workers->end);
}

void workers_stop(struct workers *workers)
{
	uint32_t i;

	workers->stop = true;
	pthread_barrier_wait(&workers->begin);
	for (i = 0; i < workers->count; i++)
		pthread_join(workers->threads[i], NULL);
	pthread_barrier_destroy(&workers->begin);
	pthread_barrier_destroy(&workers->end);
}
