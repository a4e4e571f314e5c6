/* SPDX-License-Identifier: MIT */
/*
 * kernel.h - the tables of the simulated machine's kernel.
 *
 * Each is a guarded host region: no model may touch it, all go through the
 * services. What a model asks for during a tick is kept in its row of
 * "pending" and done when every model has come to the end of the tick, in the
 * order of the scenario: so the result does not depend on the threads, and a
 * model that faults has done nothing in that tick.
 */
#ifndef SIMULATOR_KERNEL_H
#define SIMULATOR_KERNEL_H

#include "scenario.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PENDING_WRITES 16
#define PENDING_BYTES  4096
#define PENDING_LOG    512
#define PENDING_REASON 256

/* Device table. Numbers and names, no pointers. */
struct kernel_device {
	char name[DEVICE_NAME_SIZE];
	char type[8];
	uint32_t irq;
	uint32_t wired_to;
	uint32_t in_service;
	uint32_t resets;
};

/* Interrupt controller, a row for each line. */
struct kernel_irq {
	uint64_t raised;
	uint64_t last_tick;
};

struct kernel_statistics {
	uint64_t ticks;
	uint64_t interrupts;
	uint64_t bytes_read;
	uint64_t bytes_written;
	uint64_t refused; /* service calls that were not believed */
	uint64_t dropped; /* commands that found the mailbox full */
	uint64_t faults;
	uint64_t counter[DEVICE_COUNTERS]; /* as the model published them */
};

/* What a device has asked for in this tick. */
struct kernel_pending {
	uint32_t interrupts;
	uint32_t bytes_read;
	uint32_t refused;
	uint32_t write_count;
	uint32_t bytes_used;
	uint32_t log_length;
	struct {
		uint32_t address;
		uint32_t length;
	} writes[PENDING_WRITES];
	char log[PENDING_LOG];       /* lines */
	char reason[PENDING_REASON]; /* of the last refusal */
};

/* The tables that have a checksum. */
enum kernel_table {
	TABLE_DEVICES,
	TABLE_IRQS,
	TABLE_STATISTICS,
	TABLE_WINDOWS,
	TABLE_MEMORY,
	TABLES
};

struct kernel {
	struct kernel_device *devices;
	struct kernel_irq *irqs;
	struct kernel_statistics *statistics;
	struct scenario_window *windows;
	uint8_t *memory;
	struct kernel_pending *pending;
	/*
	 * The bytes of those writes, a row for each device. Not among the rest:
	 * pages that nobody has touched cost nothing to close and to open.
	 */
	uint8_t (*bytes)[PENDING_BYTES];
	uint32_t device_count, window_count, memory_size;
	uint64_t log_digest;

	uint64_t seal[TABLES];
	uint32_t checks;           /* times that the seals were compared */
	uint32_t corruptions;      /* of those, with a difference */
	uint32_t first_corruption; /* tick */
};

int kernel_create(struct kernel *kernel, const struct scenario *scenario);

/* Take checksums of the tables; compare them, and say which differ. */
void kernel_seal(struct kernel *kernel);
uint32_t kernel_check(struct kernel *kernel, uint32_t tick); /* bits */
const char *kernel_table_name(enum kernel_table table);

/* Does one device's pending work; true if its interrupt was raised. */
bool kernel_commit(struct kernel *kernel, uint32_t device, uint32_t tick);
/* Forgets it. */
void kernel_discard(struct kernel *kernel, uint32_t device);

/* May @device reach these bytes of the memory? */
bool kernel_window_allows(const struct kernel *kernel, uint32_t device,
			  uint32_t address, uint32_t length, bool write);

/* One number for all tables, the memory and the log. */
uint64_t kernel_digest(const struct kernel *kernel);

#endif /* SIMULATOR_KERNEL_H */
