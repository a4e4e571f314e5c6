/* SPDX-License-Identifier: MIT */
#include "machine.h"

#include "service.h"

#include <stdio.h>
#include <string.h>

int machine_create(struct machine *machine, const struct scenario *scenario,
		   struct report *report)
{
	struct kernel *kernel = &machine->kernel;
	uint32_t i;

	memset(machine, 0, sizeof(*machine));
	machine->scenario = scenario;
	machine->report = report;
	if (kernel_create(kernel, scenario) != 0 ||
	    service_create_all(kernel, &machine->services) != 0)
		return -1;
	for (i = 0; i < scenario->device_count; i++) {
		if (unit_create(&machine->units[i], &scenario->devices[i], i,
				&machine->services, &kernel->devices[i]) != 0)
			return -1;
		machine->unit_count++;
	}
	return 0;
}

void machine_destroy(struct machine *machine)
{
	while (machine->unit_count > 0)
		unit_destroy(&machine->units[--machine->unit_count]);
}

static void post(struct machine *machine, uint32_t device,
		 const struct command *command)
{
	if (!machine->kernel.devices[device].in_service)
		return;
	if (!unit_post(&machine->units[device], command))
		machine->kernel.statistics[device].dropped++;
}

static void post_events(struct machine *machine)
{
	const struct scenario *scenario = machine->scenario;
	size_t i;

	for (i = 0; i < scenario->event_count; i++)
		if (scenario_event_due(&scenario->events[i], machine->now))
			post(machine, scenario->events[i].device,
			     &scenario->events[i].command);
}

/* One device's tick, on some worker. */
static void run_unit(void *arg, uint32_t item)
{
	struct machine *machine = arg;

	if (machine->kernel.devices[item].in_service)
		unit_tick(&machine->units[item], machine->now);
}

/*
 * A model has faulted. Its tick has not happened; the rest of the machine has
 * not noticed. Reset it, or take it out of service, as the scenario says.
 */
static void end_fault(struct machine *machine, struct unit *unit)
{
	struct kernel_device *row = &machine->kernel.devices[unit->index];
	bool reset =
		unit->plan->reset_on_fault && row->resets < UNIT_RESETS_MAX;

	machine->faults++;
	machine->kernel.statistics[unit->index].faults++;
	kernel_discard(&machine->kernel, unit->index);
	report_fault(machine->report, machine->now, unit, reset);
	if (!reset) {
		row->in_service = 0;
		return;
	}
	row->resets++;
	unit_reset(unit, machine->now);
	if (unit->outcome != 0)
		row->in_service = 0;
	kernel_discard(&machine->kernel, unit->index);
}

static void kick(struct machine *machine, const struct unit *unit)
{
	struct command command = {.kind = unit->plan->kick};

	if (unit->plan->wired_to != SCENARIO_NOWHERE)
		post(machine, unit->plan->wired_to, &command);
}

static void commit_unit(struct machine *machine, struct unit *unit)
{
	struct kernel *kernel = &machine->kernel;
	const struct kernel_pending *pending = &kernel->pending[unit->index];
	bool interrupt;

	report_work(machine->report, machine->now, unit, pending);
	machine->refused += pending->refused;
	interrupt = kernel_commit(kernel, unit->index, machine->now);
	kernel_discard(kernel, unit->index);
	memcpy(kernel->statistics[unit->index].counter, unit->counter,
	       sizeof(unit->counter));
	if (interrupt)
		kick(machine, unit);
}

/* In the order of the scenario, whoever came first in time. */
static int commit(struct machine *machine)
{
	uint32_t i;

	for (i = 0; i < machine->unit_count; i++) {
		struct unit *unit = &machine->units[i];

		if (!machine->kernel.devices[i].in_service)
			continue;
		if (unit->outcome == MODISO_ERR_FAULT) {
			end_fault(machine, unit);
		} else if (unit->outcome != 0) {
			fprintf(stderr, "simulator: %s at tick %u: %s\n",
				unit->plan->name, machine->now, unit->reason);
			return -1;
		} else {
			commit_unit(machine, unit);
		}
	}
	return 0;
}

/* All models' ticks. Between seal and check only they run, and services. */
static int run_units(struct machine *machine, uint32_t *changed)
{
	int rc;

	kernel_seal(&machine->kernel);
	rc = isolation_host_end();
	if (rc != 0)
		return rc;
	workers_run(&machine->workers, machine->unit_count);
	rc = isolation_host_begin();
	if (rc == 0)
		*changed = kernel_check(&machine->kernel, machine->now);
	return rc;
}

/* The kernel's work between two ticks is one phase of the host. */
static int run_ticks(struct machine *machine, uint32_t until)
{
	uint32_t changed = 0;

	for (machine->now = 1; machine->now <= until; machine->now++) {
		post_events(machine);
		if (run_units(machine, &changed) != 0)
			return -1;
		if (changed != 0)
			report_corruption(machine->report, machine->now,
					  changed);
		if (commit(machine) != 0)
			return -1;
	}
	return 0;
}

int machine_run(struct machine *machine, uint32_t until, uint32_t threads)
{
	uint32_t i;
	int rc;

	machine->now = 0;
	for (i = 0; i < machine->unit_count; i++)
		unit_reset(&machine->units[i], 0);
	if (commit(machine) != 0)
		return -1;
	if (workers_start(&machine->workers, threads, run_unit, machine) != 0)
		return -1;
	rc = isolation_host_begin();
	if (rc == 0) {
		rc = run_ticks(machine, until);
		/* The one that is open: nothing more runs in modules. */
		isolation_host_end();
	}
	workers_stop(&machine->workers);
	return rc;
}
