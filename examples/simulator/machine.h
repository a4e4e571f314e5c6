/* SPDX-License-Identifier: MIT */
/*
 * machine.h - the simulated machine: kernel, devices, time.
 */
#ifndef SIMULATOR_MACHINE_H
#define SIMULATOR_MACHINE_H

#include "kernel.h"
#include "report.h"
#include "scenario.h"
#include "unit.h"
#include "workers.h"

struct machine {
	const struct scenario *scenario;
	struct report *report;
	struct kernel kernel;
	struct device_services services;
	struct unit units[SCENARIO_DEVICES];
	uint32_t unit_count;
	struct workers workers;
	uint32_t now; /* tick */
	uint32_t faults;
	uint32_t refused;
};

/* Both return 0, or -1 after a message. */
int machine_create(struct machine *machine, const struct scenario *scenario,
		   struct report *report);
/* Runs ticks 1 to @until with @threads threads. */
int machine_run(struct machine *machine, uint32_t until, uint32_t threads);

void machine_destroy(struct machine *machine);

#endif /* SIMULATOR_MACHINE_H */
