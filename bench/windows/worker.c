/* SPDX-License-Identifier: MIT */
/*
 * worker.c - the places share the process: what belongs to the backend is
 * opened behind what does not, and what is measured one by one cannot disturb
 * the other.
 */
#include "../worker.h"

#include "../clock.h"

#include <string.h>

static const struct bench_subject *const base_subjects[] = {&bench_base, NULL};
static const struct bench_subject *const backend_subjects[] = {
	&bench_gate, &bench_region, &bench_fault, &bench_heap, NULL};

static const struct bench_subject *const *subjects(enum worker_place place)
{
	return place == PLACE_BASE ? base_subjects : backend_subjects;
}

const char *worker_place_name(enum worker_place place)
{
	static const char *const names[PLACES] = {"-", "pkey", "mprotect"};

	return names[place];
}

const struct bench_row *worker_row(enum worker_place place, unsigned number)
{
	const struct bench_subject *const *subject = subjects(place);
	const struct bench_row *row;

	for (; *subject != NULL; subject++)
		for (row = (*subject)->rows; row->name != NULL; row++)
			if (number-- == 0)
				return row;
	return NULL;
}

int worker_start(struct worker *worker, enum worker_place place)
{
	struct modiso_options options = {.struct_size = sizeof(options)};
	const struct bench_subject *const *subject;
	int rc = 0;

	memset(worker, 0, sizeof(*worker));
	worker->place = place;
	worker->gone = true;
	if (place != PLACE_BASE) {
		options.backend = place == PLACE_PKEY ? MODISO_BACKEND_PKEY
						      : MODISO_BACKEND_MPROTECT;
		rc = modiso_init(&options);
		rc = rc == MODISO_ERR_NOTSUP
			     ? bench_say(BENCH_ABSENT, "%s",
					 modiso_last_error_text())
			     : bench_check("modiso_init", rc);
	}
	for (subject = subjects(place); rc == 0 && *subject != NULL; subject++)
		rc = (*subject)->open();
	worker->gone = rc != 0;
	snprintf(worker->reason, sizeof(worker->reason), "%s", bench_said());
	return rc;
}

void worker_stop(struct worker *worker)
{
	const struct bench_subject *const *subject = subjects(worker->place);

	if (worker->gone)
		return;
	worker->gone = true;
	for (; *subject != NULL; subject++)
		(*subject)->close();
	if (worker->place != PLACE_BASE && modiso_fini() != 0)
		fprintf(stderr, "modiso-bench: modiso_fini: %s\n",
			modiso_last_error_text());
}

int worker_measure(struct worker *worker, unsigned number, uint64_t rounds,
		   uint64_t *ticks)
{
	const struct bench_row *row = worker_row(worker->place, number);
	uint64_t began;
	int rc = row->begin != NULL ? row->begin() : 0;

	if (rc == 0) {
		/* Caches, lazily made stacks, the first fault of a page. */
		rc = row->run(rounds < 4 ? rounds : 4);
		if (rc == 0) {
			began = clock_now();
			rc = row->run(rounds);
			*ticks = clock_now() - began;
		}
		if (row->end != NULL)
			row->end();
	}
	snprintf(worker->reason, sizeof(worker->reason), "%s",
		 rc == 0 ? "" : bench_said());
	return rc;
}
