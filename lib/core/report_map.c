/* SPDX-License-Identifier: MIT */
/* What lies around the address of a fault, when the map is printed. */
#include "core/report.h"

#include "core/grant.h"
#include "core/runtime.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* So many rows on either side of the one that holds the address. */
#define AROUND 3
/* Farther away it is no neighbour: as core/beside.c has it. */
#define FAR_OFF ((uintptr_t)1 << 20)

struct row {
	uintptr_t base, end;
	uint32_t rights; /* of the module that faulted */
	enum { ROW_REGION, ROW_GUARD, ROW_NOTHING } kind;
	uint64_t owner_id;
	char name[MODISO_NAME_SIZE], owner_name[MODISO_NAME_SIZE];
};

/* A region and its guard page, and what is between any two of them. */
#define ROWS_MAX (3 * (2 * AROUND + 1))

struct map {
	struct row row[ROWS_MAX];
	unsigned count;
};

/* NULL: it has ended since. The library's lock is held. */
static const struct modiso_module *module_of(uint64_t id)
{
	for (uint32_t i = 0; i < MDI_MODULES_MAX; i++) {
		const struct modiso_module *module = mdi_domain_module(
			(struct mdi_domain *)mdi_arch_state.domains[i]);

		if (module != NULL && module->id == id &&
		    module->domain.kind == MDI_DOMAIN_MODULE)
			return module;
	}
	return NULL;
}

static struct row *add(struct map *map, uintptr_t base, uintptr_t end)
{
	struct row *row = &map->row[map->count++];

	*row = (struct row){.base = base, .end = end, .kind = ROW_NOTHING};
	return row;
}

static void add_region(struct map *map, const struct modiso_region *region,
		       const struct modiso_module *module)
{
	uintptr_t start = mdi_region_start(region);
	struct row *row;

	if (map->count != 0 &&
	    map->row[map->count - 1].end != region->node.base)
		add(map, map->row[map->count - 1].end, region->node.base);
	if (start != region->node.base)
		add(map, region->node.base, start)->kind = ROW_GUARD;
	row = add(map, start, region->node.end);
	row->kind = ROW_REGION;
	if (module != NULL)
		row->rights = mdi_grant_rights(module, region);
	if (region->owner->domain.kind == MDI_DOMAIN_MODULE)
		row->owner_id = region->owner->id;
	memcpy(row->name, region->name, sizeof(row->name) - 1);
	memcpy(row->owner_name, region->owner->name, sizeof(row->name) - 1);
}

/* The library's lock is held. */
static void collect(struct map *map, const struct modiso_fault *fault)
{
	const struct modiso_module *module = module_of(fault->module_id);
	const struct modiso_region *region;
	struct mdi_region_place place;
	unsigned above = 0;

	mdi_region_find_place(fault->address, &place);
	region = place.at != NULL ? place.at : place.above;
	for (unsigned i = 0; i < AROUND; i++) {
		if (place.below == NULL ||
		    fault->address - place.below->node.end >= FAR_OFF)
			break;
		region = place.below;
		mdi_region_find_place(region->node.base, &place);
	}
	for (; region != NULL && above <= AROUND; ) {
		if (region->node.base > fault->address &&
		    region->node.base - fault->address >= FAR_OFF)
			break;
		add_region(map, region, module);
		above += region->node.end > fault->address;
		region = mdi_region_at_or_above(region->node.end);
	}
}

/* "rw-", of the module that faulted. */
static const char *rights_text(uint32_t rights)
{
	static const char *const names[] = {"---", "r--", "-w-", "rw-",
					    "--x", "r-x", "-wx", "rwx"};

	return names[rights & 7];
}

static void print_row(const struct row *row, const struct modiso_fault *fault,
		      FILE *out)
{
	bool here = fault->address >= row->base && fault->address < row->end;

	fprintf(out, "  %s %012" PRIxPTR "-%012" PRIxPTR " %s  ",
		here ? "=>" : "  ", row->base, row->end,
		rights_text(row->rights));
	if (row->kind == ROW_GUARD) {
		fprintf(out, "guard page of the stack above it");
	} else if (row->kind == ROW_NOTHING) {
		fprintf(out, "no region");
	} else {
		fprintf(out, "region ");
		mdi_report_quoted(row->name, out);
		fprintf(out, " of ");
		mdi_report_owner(row->owner_id, row->owner_name, out);
	}
	fprintf(out, ", %zu bytes\n", (size_t)(row->end - row->base));
}

/* The address is beside all of them. */
static void print_outside(const struct modiso_fault *fault, FILE *out)
{
	fprintf(out, "  => %012" PRIxPTR "              ---  no region\n",
		fault->address);
}

static void print(const struct map *map, const struct modiso_fault *fault,
		  FILE *out)
{
	fprintf(out, "around %#" PRIxPTR ", and what module ", fault->address);
	mdi_report_quoted(fault->module_name, out);
	fprintf(out, " may do there:\n");
	if (map->count == 0 || fault->address < map->row[0].base)
		print_outside(fault, out);
	for (unsigned i = 0; i < map->count; i++)
		print_row(&map->row[i], fault, out);
	if (map->count != 0 && fault->address >= map->row[map->count - 1].end)
		print_outside(fault, out);
}

int modiso_fault_print_map(const struct modiso_fault *fault, FILE *out)
{
	struct mdi_report *report;
	struct map map = {.count = 0};
	int saved = errno, result = mdi_runtime_check();

	if (result == 0)
		result = mdi_report_begin(fault, out, &report);
	if (result != 0)
		return result;
	if (report->fault.access != 0) {
		mdi_runtime_lock();
		collect(&map, &report->fault);
		mdi_runtime_unlock();
		print(&map, &report->fault, out);
	}
	return mdi_report_end(report, out, saved);
}
