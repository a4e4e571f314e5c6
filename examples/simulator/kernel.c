/* SPDX-License-Identifier: MIT */
#include "kernel.h"

#include "isolation.h"

#include <stdio.h>
#include <string.h>

static const char *const table_names[TABLES] = {
	[TABLE_DEVICES] = "device table",
	[TABLE_IRQS] = "interrupt controller",
	[TABLE_STATISTICS] = "statistics",
	[TABLE_WINDOWS] = "memory map",
	[TABLE_MEMORY] = "physical memory",
};

const char *kernel_table_name(enum kernel_table table)
{
	return table_names[table];
}

static size_t table_size(const struct kernel *kernel, enum kernel_table table)
{
	switch (table) {
	case TABLE_DEVICES:
		return kernel->device_count * sizeof(*kernel->devices);
	case TABLE_IRQS:
		return SCENARIO_IRQS * sizeof(*kernel->irqs);
	case TABLE_STATISTICS:
		return kernel->device_count * sizeof(*kernel->statistics);
	case TABLE_WINDOWS:
		return kernel->window_count * sizeof(*kernel->windows);
	default:
		return kernel->memory_size;
	}
}

static const void *table_base(const struct kernel *kernel,
			      enum kernel_table table)
{
	const void *const bases[TABLES] = {
		[TABLE_DEVICES] = kernel->devices,
		[TABLE_IRQS] = kernel->irqs,
		[TABLE_STATISTICS] = kernel->statistics,
		[TABLE_WINDOWS] = kernel->windows,
		[TABLE_MEMORY] = kernel->memory,
	};

	return bases[table];
}

/* FNV-1a over words: for mistakes, not against an adversary. */
static uint64_t checksum(uint64_t sum, const void *base, size_t length)
{
	const uint8_t *bytes = base;
	uint64_t word;
	size_t i;

	for (i = 0; i < length; i += sizeof(word)) {
		size_t part =
			length - i < sizeof(word) ? length - i : sizeof(word);

		word = 0;
		memcpy(&word, bytes + i, part);
		sum = (sum ^ word) * 0x100000001b3u;
		sum ^= sum >> 29;
	}
	return sum;
}

static uint64_t table_checksum(const struct kernel *kernel,
			       enum kernel_table table)
{
	return checksum(0xcbf29ce484222325u, table_base(kernel, table),
			table_size(kernel, table));
}

static void fill_tables(struct kernel *kernel, const struct scenario *scenario)
{
	uint32_t i;

	for (i = 0; i < kernel->device_count; i++) {
		const struct scenario_device *plan = &scenario->devices[i];
		struct kernel_device *row = &kernel->devices[i];

		memcpy(row->name, plan->name, sizeof(row->name));
		snprintf(row->type, sizeof(row->type), "%s", plan->type->name);
		row->irq = plan->irq;
		row->wired_to = plan->wired_to;
		row->in_service = 1;
	}
	memcpy(kernel->windows, scenario->windows,
	       kernel->window_count * sizeof(*kernel->windows));
}

int kernel_create(struct kernel *kernel, const struct scenario *scenario)
{
	void *base[TABLES + 2];
	size_t size;
	int i, rc;

	memset(kernel, 0, sizeof(*kernel));
	kernel->device_count = scenario->device_count;
	kernel->window_count = scenario->window_count;
	kernel->memory_size = scenario->memory;
	for (i = 0; i < TABLES; i++) {
		size = table_size(kernel, (enum kernel_table)i);
		/* A region is never empty, a scenario without windows is. */
		rc = isolation_table(table_names[i], size != 0 ? size : 1,
				     &base[i]);
		if (rc != 0)
			return rc;
	}
	rc = isolation_table("pending work",
			     kernel->device_count * sizeof(*kernel->pending),
			     &base[TABLES]);
	if (rc == 0)
		rc = isolation_table("pending bytes",
				     kernel->device_count *
					     sizeof(*kernel->bytes),
				     &base[TABLES + 1]);
	if (rc != 0)
		return rc;
	kernel->devices = base[TABLE_DEVICES];
	kernel->irqs = base[TABLE_IRQS];
	kernel->statistics = base[TABLE_STATISTICS];
	kernel->windows = base[TABLE_WINDOWS];
	kernel->memory = base[TABLE_MEMORY];
	kernel->pending = base[TABLES];
	kernel->bytes = base[TABLES + 1];
	fill_tables(kernel, scenario);
	return 0;
}

void kernel_seal(struct kernel *kernel)
{
	int i;

	for (i = 0; i < TABLES; i++)
		kernel->seal[i] = table_checksum(kernel, (enum kernel_table)i);
}

uint32_t kernel_check(struct kernel *kernel, uint32_t tick)
{
	uint32_t changed = 0;
	int i;

	for (i = 0; i < TABLES; i++)
		if (table_checksum(kernel, (enum kernel_table)i) !=
		    kernel->seal[i])
			changed |= 1u << i;
	kernel->checks++;
	if (changed != 0 && kernel->corruptions++ == 0)
		kernel->first_corruption = tick;
	return changed;
}

void kernel_discard(struct kernel *kernel, uint32_t device)
{
	struct kernel_pending *pending = &kernel->pending[device];

	memset(pending, 0, offsetof(struct kernel_pending, writes));
}

bool kernel_commit(struct kernel *kernel, uint32_t device, uint32_t tick)
{
	struct kernel_pending *pending = &kernel->pending[device];
	struct kernel_statistics *statistics = &kernel->statistics[device];
	uint32_t irq = kernel->devices[device].irq;
	uint32_t i, offset = 0;

	for (i = 0; i < pending->write_count; i++) {
		memcpy(kernel->memory + pending->writes[i].address,
		       kernel->bytes[device] + offset,
		       pending->writes[i].length);
		offset += pending->writes[i].length;
	}
	/* Tick 0 is the start. */
	statistics->ticks += tick != 0;
	statistics->bytes_read += pending->bytes_read;
	statistics->bytes_written += offset;
	statistics->refused += pending->refused;
	kernel->log_digest =
		checksum(kernel->log_digest, pending->log, pending->log_length);
	/* An interrupt line that does not exist is nobody's interrupt. */
	if (pending->interrupts == 0 || irq >= SCENARIO_IRQS)
		return false;
	statistics->interrupts += pending->interrupts;
	kernel->irqs[irq].raised += pending->interrupts;
	kernel->irqs[irq].last_tick = tick;
	return true;
}

bool kernel_window_allows(const struct kernel *kernel, uint32_t device,
			  uint32_t address, uint32_t length, bool write)
{
	const struct scenario_window *window = kernel->windows;
	uint32_t i;

	for (i = 0; i < kernel->window_count; i++, window++)
		if (window->device == device && address >= window->base &&
		    address - window->base < window->length &&
		    length <= window->length - (address - window->base) &&
		    (!write || window->writable))
			return true;
	return false;
}

uint64_t kernel_digest(const struct kernel *kernel)
{
	uint64_t sum = kernel->log_digest;
	int i;

	for (i = 0; i < TABLES; i++)
		sum = checksum(sum, table_base(kernel, (enum kernel_table)i),
			       table_size(kernel, (enum kernel_table)i));
	return sum;
}
