/* SPDX-License-Identifier: MIT */
#include "report.h"

#include "machine.h"
#include "map.h"

#include <inttypes.h>
#include <string.h>

void report_begin(const struct report *report, const struct machine *machine)
{
	const struct scenario *scenario = machine->scenario;
	uint32_t i;

	if (report->quiet)
		return;
	fprintf(report->text,
		"simulator, libmodiso %s\n"
		"scenario %s: %u devices, %u ticks, %u threads\n",
		modiso_version(), scenario->path, scenario->device_count,
		report->until, report->threads);
	map_describe_backends(report->asked, report->text);
	fputs("devices, each a module of its own\n", report->text);
	for (i = 0; i < scenario->device_count; i++)
		fprintf(report->text, "  %-16s irq %-2u  on a fault: %-7s %s\n",
			scenario->devices[i].name, scenario->devices[i].irq,
			scenario->devices[i].reset_on_fault ? "reset"
							    : "remove",
			scenario->devices[i].type->summary);
	map_print(report->text);
	fputs("run\n", report->text);
}

void report_work(const struct report *report, uint32_t tick,
		 const struct unit *unit, const struct kernel_pending *pending)
{
	const char *line = pending->log;
	const char *end = pending->log + pending->log_length;

	if (report->quiet)
		return;
	while (line < end) {
		size_t length =
			(size_t)((const char *)memchr(line, '\n',
						      (size_t)(end - line)) -
				 line);

		fprintf(report->text, "  [%4u] %s: %.*s\n", tick,
			unit->plan->name, (int)length, line);
		line += length + 1;
	}
	if (pending->refused != 0)
		fprintf(report->text,
			"  [%4u] kernel: refused %u call(s) of %s: %s\n", tick,
			pending->refused, unit->plan->name, pending->reason);
}

void report_fault(const struct report *report, uint32_t tick,
		  const struct unit *unit, bool reset)
{
	if (report->json != NULL &&
	    modiso_fault_print_json(&unit->fault, report->json) != 0)
		perror("simulator: report");
	if (report->quiet)
		return;
	fprintf(report->text, "  [%4u] FAULT of %s\n", tick, unit->plan->name);
	if (modiso_fault_print(&unit->fault, report->text) != 0)
		perror("simulator: report");
	fprintf(report->text, "  [%4u] kernel: %s is %s; all others go on\n",
		tick, unit->plan->name,
		reset ? "reset" : "taken out of service");
}

void report_corruption(const struct report *report, uint32_t tick,
		       uint32_t tables)
{
	int i;

	for (i = 0; i < TABLES; i++)
		if (!report->quiet && (tables & 1u << i) != 0)
			fprintf(report->text,
				"  [%4u] CORRUPTION of the kernel's %s. "
				"Nothing stopped it; only the checksums of "
				"this demonstration show it.\n",
				tick, kernel_table_name((enum kernel_table)i));
}

static void print_device(const struct report *report,
			 const struct machine *machine, uint32_t device)
{
	const struct kernel *kernel = &machine->kernel;
	const struct kernel_device *row = &kernel->devices[device];
	const struct kernel_statistics *counted = &kernel->statistics[device];
	const struct device_type *type =
		machine->scenario->devices[device].type;
	int i;

	/* The name as the table has it, be it damaged. */
	fprintf(report->text,
		"  %-16.*s %-7s %5" PRIu64 " %5" PRIu64 " %7" PRIu64
		" %7" PRIu64 " %3" PRIu64 " %3" PRIu64 " %6" PRIu64 "  ",
		DEVICE_NAME_SIZE, row->name,
		!row->in_service   ? "removed"
		: row->resets != 0 ? "reset"
				   : "ok",
		counted->ticks, counted->interrupts, counted->bytes_read,
		counted->bytes_written, counted->refused, counted->dropped,
		counted->faults);
	for (i = 0; i < DEVICE_COUNTERS && type->counters[i] != NULL; i++)
		fprintf(report->text, "%s%s %" PRIu64, i == 0 ? "" : ", ",
			type->counters[i], counted->counter[i]);
	fputc('\n', report->text);
}

static void print_verdict(const struct report *report,
			  const struct machine *machine)
{
	const struct kernel *kernel = &machine->kernel;

	fprintf(report->text, "verdict\n  %u fault(s), %u call(s) refused\n",
		machine->faults, machine->refused);
	if (kernel->corruptions == 0)
		fprintf(report->text,
			"  kernel tables INTACT: compared %u times, no "
			"difference\n",
			kernel->checks);
	else
		fprintf(report->text,
			"  kernel tables CORRUPTED: first at tick %u, %u of "
			"%u comparisons differ\n",
			kernel->first_corruption, kernel->corruptions,
			kernel->checks);
	fprintf(report->text, "  %u ticks done, digest %016" PRIx64 "\n",
		machine->now - 1, kernel_digest(kernel));
}

void report_end(const struct report *report, const struct machine *machine)
{
	const struct kernel *kernel = &machine->kernel;
	uint32_t i;

	if (!report->quiet) {
		fprintf(report->text,
			"devices\n  %-16s %-7s %5s %5s %7s %7s %3s %3s %6s  "
			"its own counters\n",
			"name", "state", "ticks", "irqs", "read", "written",
			"ref", "drp", "faults");
		for (i = 0; i < machine->unit_count; i++)
			print_device(report, machine, i);
	}
	print_verdict(report, machine);
	if (report->json != NULL)
		fprintf(report->json,
			"{\"result\":\"%s\",\"ticks\":%u,\"faults\":%u,"
			"\"refused\":%u,\"corruptions\":%u,"
			"\"digest\":\"%016" PRIx64 "\"}\n",
			kernel->corruptions == 0 ? "intact" : "corrupted",
			machine->now - 1, machine->faults, machine->refused,
			kernel->corruptions, kernel_digest(kernel));
}
