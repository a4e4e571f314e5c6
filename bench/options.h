/* SPDX-License-Identifier: MIT */
/*
 * options.h - what the user asks for.
 */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include "report.h"
#include "worker.h"

#define EXIT_FAILED 1 /* a row failed */
#define EXIT_USAGE  2
#define EXIT_ABSENT 3 /* the backend, a counting clock, gnuplot: not here */
#define EXIT_SLOWER 4 /* by --compare */

struct choice {
	bool all; /* backends that cannot be had are then left out */
	bool places[PLACES];
	const char *rows;    /* NULL: all */
	uint64_t threads;    /* bit n: rows with n threads */
	double seconds;      /* that all of it takes, about */
	const char *compare; /* a file of an earlier run, or NULL */
	const char *plot;    /* a file for a picture, or NULL */
	bool quick;
	bool counting;
	enum report_form form;
};

/* Ends the process after --help, --version, and what is wrong. */
void options_read(int argc, char **argv, struct choice *choice);

bool options_want(const struct choice *choice, const struct bench_row *row);

#endif /* BENCH_OPTIONS_H */
