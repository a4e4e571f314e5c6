/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <string.h>

/* Its three regions and two entries. */
static int furnish(struct unit *unit)
{
	const struct device_type *type = unit->plan->type;
	void *state, *mailbox, *store;
	int rc;

	rc = isolation_region(&unit->module, "state",
			      sizeof(*unit->ports) + type->state_size, &state);
	if (rc == 0)
		rc = isolation_region(&unit->module, "mailbox",
				      sizeof(*unit->mailbox), &mailbox);
	if (rc == 0)
		rc = isolation_region(&unit->module, "store", unit->store_size,
				      &store);
	if (rc == 0)
		rc = isolation_entry(&unit->start, &unit->module, type->start);
	if (rc == 0)
		rc = isolation_entry(&unit->tick, &unit->module, type->tick);
	if (rc != 0)
		return rc;
	unit->ports = state;
	unit->mailbox = mailbox;
	unit->store = store;
	return 0;
}

int unit_create(struct unit *unit, const struct scenario_device *plan,
		uint32_t index, const struct device_services *services,
		struct kernel_device *self)
{
	int rc;

	memset(unit, 0, sizeof(*unit));
	unit->plan = plan;
	unit->index = index;
	unit->services = services;
	unit->self = self;
	/* A device that stores nothing gets a byte: no region is empty. */
	unit->store_size = plan->type->store_size(plan->parameter);
	if (unit->store_size == 0)
		unit->store_size = 1;
	rc = isolation_module_create(&unit->module, plan->name, unit);
	if (rc != 0)
		return rc;
	rc = furnish(unit);
	if (rc != 0)
		unit_destroy(unit);
	return rc;
}

void unit_destroy(struct unit *unit)
{
	isolation_module_destroy(&unit->module);
}

static void call(struct unit *unit, const struct isolation_entry *entry,
		 uint64_t now)
{
	unit->outcome = isolation_call(entry, unit->ports, now);
	if (unit->outcome == 0) {
		/* Now: with page permissions other modules' calls close it. */
		memcpy(unit->counter, unit->ports->counter,
		       sizeof(unit->counter));
		return;
	}
	snprintf(unit->reason, sizeof(unit->reason), "%s: %s",
		 modiso_strerror(unit->outcome), modiso_last_error_text());
	/* The record is this thread's; the kernel reads it on another one. */
	unit->fault.struct_size = sizeof(unit->fault);
	if (unit->outcome == MODISO_ERR_FAULT &&
	    modiso_fault_last(&unit->fault) != 0)
		unit->fault.kind = MODISO_FAULT_NONE;
}

void unit_reset(struct unit *unit, uint64_t now)
{
	const struct scenario_device *plan = unit->plan;
	struct device_ports *ports = unit->ports;

	/*
	 * Nothing that the module has had in its hands is believed: every
	 * pointer comes from host memory. The host writes the module's memory
	 * as its own; the module could not do that with the host's.
	 */
	memset(unit->mailbox, 0, sizeof(*unit->mailbox));
	memset(unit->store, 0, unit->store_size);
	memset(ports, 0, sizeof(*ports) + plan->type->state_size);
	ports->call = *unit->services;
	ports->self = unit->self;
	ports->mailbox = unit->mailbox;
	ports->store = unit->store;
	ports->state = ports + 1;
	memcpy(ports->parameter, plan->parameter, sizeof(ports->parameter));
	unit->posted = 0;
	call(unit, &unit->start, now);
}

void unit_tick(struct unit *unit, uint64_t now)
{
	call(unit, &unit->tick, now);
}

bool unit_post(struct unit *unit, const struct command *command)
{
	struct mailbox *mailbox = unit->mailbox;

	/* The model's tail may be any number: a wrong one is "full". */
	if (unit->posted - mailbox->tail >= MAILBOX_SLOTS)
		return false;
	mailbox->slots[unit->posted % MAILBOX_SLOTS] = *command;
	mailbox->head = ++unit->posted;
	return true;
}
