/* SPDX-License-Identifier: MIT */
#include "service.h"

#include "unit.h"

#include <stdio.h>
#include <string.h>

#define LOG_LINE_MAX 160

/* The machine that the services belong to. */
static struct kernel *kernel;

/*
 * The device that calls. The handle is compared, never followed: it comes out
 * of memory that the model can write.
 */
static const struct unit *identify(const struct kernel_device *self)
{
	const struct unit *unit = isolation_caller();

	if (self == &kernel->devices[unit->index])
		return unit;
	kernel->pending[unit->index].refused++;
	snprintf(kernel->pending[unit->index].reason, PENDING_REASON,
		 "a handle that is not its own");
	return NULL;
}

static int refuse(const struct unit *unit, const char *service,
		  const char *reason)
{
	struct kernel_pending *pending = &kernel->pending[unit->index];

	pending->refused++;
	snprintf(pending->reason, sizeof(pending->reason), "%s: %s", service,
		 reason);
	return SERVICE_REFUSED;
}

MODISO_CALL static int raise_irq(struct kernel_device *self)
{
	const struct unit *unit = identify(self);

	if (unit == NULL)
		return SERVICE_REFUSED;
	kernel->pending[unit->index].interrupts++;
	return SERVICE_DONE;
}

/* Reads see the memory as it was when the tick began. */
MODISO_CALL static int bus_read(struct kernel_device *self, uint32_t address,
				void *to, uint32_t length)
{
	const struct unit *unit = identify(self);

	if (unit == NULL)
		return SERVICE_REFUSED;
	if (!kernel_window_allows(kernel, unit->index, address, length, false))
		return refuse(unit, "bus_read", "outside of its windows");
	if (isolation_copy_out(&unit->module, to, kernel->memory + address,
			       length) != 0)
		return refuse(unit, "bus_read", modiso_last_error_text());
	kernel->pending[unit->index].bytes_read += length;
	return SERVICE_DONE;
}

/* Writes are kept, and seen by everybody in the next tick. */
MODISO_CALL static int bus_write(struct kernel_device *self, uint32_t address,
				 const void *from, uint32_t length)
{
	const struct unit *unit = identify(self);
	struct kernel_pending *pending;

	if (unit == NULL)
		return SERVICE_REFUSED;
	if (!kernel_window_allows(kernel, unit->index, address, length, true))
		return refuse(unit, "bus_write", "outside of its windows");
	pending = &kernel->pending[unit->index];
	if (length > PENDING_BYTES - pending->bytes_used ||
	    pending->write_count == PENDING_WRITES)
		return SERVICE_FULL;
	if (isolation_copy_in(&unit->module,
			      kernel->bytes[unit->index] + pending->bytes_used,
			      from, length) != 0)
		return refuse(unit, "bus_write", modiso_last_error_text());
	pending->writes[pending->write_count].address = address;
	pending->writes[pending->write_count++].length = length;
	pending->bytes_used += length;
	return SERVICE_DONE;
}

MODISO_CALL static int log_line(struct kernel_device *self, const char *text,
				uint32_t length)
{
	const struct unit *unit = identify(self);
	struct kernel_pending *pending;
	char line[LOG_LINE_MAX];

	if (unit == NULL)
		return SERVICE_REFUSED;
	if (length > sizeof(line))
		return refuse(unit, "log", "a line that is too long");
	pending = &kernel->pending[unit->index];
	if (length + 1 > PENDING_LOG - pending->log_length)
		return SERVICE_FULL;
	if (isolation_copy_in(&unit->module, line, text, length) != 0)
		return refuse(unit, "log", modiso_last_error_text());
	memcpy(pending->log + pending->log_length, line, length);
	pending->log_length += length;
	pending->log[pending->log_length++] = '\n';
	return SERVICE_DONE;
}

int service_create_all(struct kernel *of, struct device_services *out)
{
	modiso_fn thunk[4];
	int rc;

	kernel = of;
	rc = isolation_service("raise_irq", (modiso_fn)raise_irq, &thunk[0]);
	if (rc == 0)
		rc = isolation_service("bus_read", (modiso_fn)bus_read,
				       &thunk[1]);
	if (rc == 0)
		rc = isolation_service("bus_write", (modiso_fn)bus_write,
				       &thunk[2]);
	if (rc == 0)
		rc = isolation_service("log", (modiso_fn)log_line, &thunk[3]);
	if (rc != 0)
		return rc;
	/* A thunk has the type of the function behind it. */
	out->raise_irq = (int (MODISO_CALL *)(struct kernel_device *))thunk[0];
	out->bus_read = (int (MODISO_CALL *)(struct kernel_device *, uint32_t,
					     void *, uint32_t))thunk[1];
	out->bus_write = (int (MODISO_CALL *)(struct kernel_device *, uint32_t,
					      const void *, uint32_t))thunk[2];
	out->log = (int (MODISO_CALL *)(struct kernel_device *, const char *,
					uint32_t))thunk[3];
	return 0;
}
