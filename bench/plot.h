/* SPDX-License-Identifier: MIT */
/*
 * plot.h - the numbers as a picture, by gnuplot: calls beside what they
 * replace, how samples are spread, threads, modules in turn.
 */
#ifndef BENCH_PLOT_H
#define BENCH_PLOT_H

#include "machine.h"
#include "measure.h"

/* Is there a gnuplot? */
bool plot_possible(void);

/* Is any row of the plan, measured or not, in the picture? */
bool plot_draws(const struct plan *plan);

/* @file ends in .svg or .png. Returns 0, or -1 after a message. */
int plot_write(const struct plan *plan, const struct fact *facts,
	       const char *file);

#endif /* BENCH_PLOT_H */
