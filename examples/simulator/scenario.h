/* SPDX-License-Identifier: MIT */
/*
 * scenario.h - a simulation, as read from a file. The format is described in
 * the file SCENARIOS.
 */
#ifndef SIMULATOR_SCENARIO_H
#define SIMULATOR_SCENARIO_H

#include "device.h"

#include <stddef.h>
#include <stdio.h>

#define SCENARIO_DEVICES 256
#define SCENARIO_WINDOWS 32
#define SCENARIO_IRQS    256
#define SCENARIO_NOWHERE UINT32_MAX

struct scenario_device {
	char name[DEVICE_NAME_SIZE];
	const struct device_type *type;
	uint32_t irq;        /* its interrupt line */
	bool reset_on_fault; /* else it is taken out of service */
	uint32_t wired_to;   /* device that its interrupt kicks */
	uint32_t kick;       /* command of that device */
	uint32_t parameter[DEVICE_PARAMETERS];
};

/* What a device may reach of the physical memory. */
struct scenario_window {
	uint32_t device;
	uint32_t base;
	uint32_t length;
	uint32_t writable;
};

struct scenario_event {
	uint32_t tick;   /* the first one */
	uint32_t period; /* 0: once */
	uint32_t device;
	struct command command;
};

struct scenario {
	const char *path;
	uint32_t ticks;
	uint32_t memory; /* bytes */
	uint32_t device_count;
	uint32_t window_count;
	size_t event_count;
	struct scenario_device devices[SCENARIO_DEVICES];
	struct scenario_window windows[SCENARIO_WINDOWS];
	struct scenario_event *events; /* in the order of the file */
};

/*
 * scenario_read - read and check a file.
 * Returns 0, or -1 after a complaint that names file, line and column.
 */
int scenario_read(const char *path, struct scenario *scenario,
		  FILE *complaints);
void scenario_free(struct scenario *scenario);

/* Does @event happen at @tick? */
bool scenario_event_due(const struct scenario_event *event, uint32_t tick);

#endif /* SIMULATOR_SCENARIO_H */
