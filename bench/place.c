/* SPDX-License-Identifier: MIT */
#include "place.h"

#include "clock.h"

static const struct bench_subject *const *subjects(enum worker_place place)
{
	return place == PLACE_BASE ? place_base_subjects
				   : place_backend_subjects;
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

int place_open(enum worker_place place)
{
	struct modiso_options options = {.struct_size = sizeof(options)};
	const struct bench_subject *const *subject;
	int rc = 0;

	if (place != PLACE_BASE) {
		options.backend = place == PLACE_PKEY ? MODISO_BACKEND_PKEY
						      : MODISO_BACKEND_MPROTECT;
		options.closed = MODISO_CLOSED_DATA;
		rc = modiso_init(&options);
		if (rc == MODISO_ERR_NOTSUP) { /* a sanitizer's cannot be */
			options.closed = 0;
			rc = modiso_init(&options);
		}
		if (rc == MODISO_ERR_NOTSUP)
			return bench_say(BENCH_ABSENT, "%s",
					 modiso_last_error_text());
		rc = bench_check("modiso_init", rc);
	}
	for (subject = subjects(place); rc == 0 && *subject != NULL; subject++)
		if ((*subject)->open != NULL)
			rc = (*subject)->open();
	return rc;
}

void place_close(enum worker_place place)
{
	const struct bench_subject *const *subject;

	for (subject = subjects(place); *subject != NULL; subject++)
		if ((*subject)->close != NULL)
			(*subject)->close();
	if (place != PLACE_BASE && modiso_fini() != 0)
		fprintf(stderr, "modiso-bench: modiso_fini: %s\n",
			modiso_last_error_text());
}

int place_measure(const struct bench_row *row, uint64_t rounds,
		  uint64_t *ticks)
{
	uint64_t began;
	int rc = row->begin != NULL ? row->begin() : 0;

	if (rc != 0)
		return rc;
	/* Caches, lazily made stacks, the first fault of a page. */
	rc = row->run(rounds < 4 ? rounds : 4);
	if (rc == 0) {
		began = clock_now();
		rc = row->run(rounds);
		*ticks = clock_now() - began;
	}
	if (row->end != NULL)
		row->end();
	return rc;
}
