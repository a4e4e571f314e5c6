/* SPDX-License-Identifier: MIT */
/*
 * unit.h - one device in the machine: a module, its three regions, its two
 * entries, and how its last call ended.
 */
#ifndef SIMULATOR_UNIT_H
#define SIMULATOR_UNIT_H

#include "isolation.h"
#include "scenario.h"

/* Times that a device with on-fault=reset is given another chance. */
#define UNIT_RESETS_MAX 3

struct unit {
	const struct scenario_device *plan;
	uint32_t index;
	struct isolation_module module;
	struct isolation_entry start;
	struct isolation_entry tick;
	struct device_ports *ports; /* in the module's memory */
	struct mailbox *mailbox;    /* likewise */
	uint8_t *store;             /* likewise */
	size_t store_size;
	uint32_t posted;  /* our own count: mailbox->head can be overwritten */
	int outcome;      /* of the last call */
	uint64_t counter[DEVICE_COUNTERS]; /* after the last that ended well */
	char reason[256]; /* when that is neither 0 nor a fault */
	struct modiso_fault fault;
	const struct device_services *services;
	struct kernel_device *self;
};

/* Makes the module. Returns 0, or a code after a message. */
int unit_create(struct unit *unit, const struct scenario_device *plan,
		uint32_t index, const struct device_services *services,
		struct kernel_device *self);
void unit_destroy(struct unit *unit);

/* Empties its memory and calls its entry "start"; see unit->outcome. */
void unit_reset(struct unit *unit, uint64_t now);

/* Calls its entry "tick"; see unit->outcome. */
void unit_tick(struct unit *unit, uint64_t now);

/* Puts a command into its mailbox; false when that is full. */
bool unit_post(struct unit *unit, const struct command *command);

#endif /* SIMULATOR_UNIT_H */
