/* SPDX-License-Identifier: MIT */
/*
 * worker.c - the places share the process: what belongs to the backend is
 * opened behind what does not, and what is measured one by one cannot disturb
 * the other.
 */
#include "../worker.h"

#include "../place.h"

#include <string.h>

const struct bench_subject *const place_base_subjects[] = {&bench_base, NULL};
const struct bench_subject *const place_backend_subjects[] = {
	&bench_gate, &bench_region, &bench_fault, &bench_heap, NULL};

int worker_start(struct worker *worker, enum worker_place place)
{
	int rc;

	memset(worker, 0, sizeof(*worker));
	worker->place = place;
	rc = place_open(place);
	worker->gone = rc != 0;
	snprintf(worker->reason, sizeof(worker->reason), "%s", bench_said());
	return rc;
}

void worker_stop(struct worker *worker)
{
	if (worker->gone)
		return;
	worker->gone = true;
	place_close(worker->place);
}

int worker_measure(struct worker *worker, unsigned number, uint64_t rounds,
		   uint64_t *ticks)
{
	int rc = place_measure(worker_row(worker->place, number), rounds,
			       ticks);

	snprintf(worker->reason, sizeof(worker->reason), "%s",
		 rc == 0 ? "" : bench_said());
	return rc;
}
