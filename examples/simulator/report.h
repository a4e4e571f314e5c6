/* SPDX-License-Identifier: MIT */
/*
 * report.h - what the simulator prints.
 *
 * Nothing here changes the machine. Addresses, thread numbers and times are
 * shown, and take no part in the result.
 */
#ifndef SIMULATOR_REPORT_H
#define SIMULATOR_REPORT_H

#include "isolation.h"
#include "kernel.h"
#include "unit.h"

#include <stdio.h>

struct machine;

struct report {
	FILE *text; /* for people */
	FILE *json; /* a line for each fault and one for the end, or NULL */
	bool quiet; /* of the text only the verdict */
	enum isolation_kind asked;
	uint32_t threads;
	uint32_t until; /* last tick */
};

/* Before the first tick: what protects what. */
void report_begin(const struct report *report, const struct machine *machine);

/* During the run. */
void report_work(const struct report *report, uint32_t tick,
		 const struct unit *unit, const struct kernel_pending *pending);
void report_fault(const struct report *report, uint32_t tick,
		  const struct unit *unit, bool reset);
void report_corruption(const struct report *report, uint32_t tick,
		       uint32_t tables);

/* After it: counters and verdict. */
void report_end(const struct report *report, const struct machine *machine);

#endif /* SIMULATOR_REPORT_H */
