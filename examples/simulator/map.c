/* SPDX-License-Identifier: MIT */
#include "map.h"

#include "scenario.h"

/* Tables, and three of each device. */
#define REGIONS_MAX (16 + 3 * SCENARIO_DEVICES)

static struct {
	char owner[DEVICE_NAME_SIZE];
	const char *name;
	const void *base;
	size_t length;
} regions[REGIONS_MAX];
static unsigned region_count;

int map_add(const char *owner, const char *name, const void *base,
	    size_t length)
{
	if (base == NULL || region_count == REGIONS_MAX) {
		fprintf(stderr, "simulator: no room for %s of %s\n", name,
			owner);
		return MODISO_ERR_LIMIT;
	}
	snprintf(regions[region_count].owner, DEVICE_NAME_SIZE, "%s", owner);
	regions[region_count].name = name;
	regions[region_count].base = base;
	regions[region_count++].length = length;
	return 0;
}

static void describe_backend(enum modiso_backend backend, FILE *out)
{
	struct modiso_backend_info info = {.struct_size = sizeof(info)};
	const char *state;

	if (modiso_backend_query(backend, &info) != 0)
		return;
	state = !info.usable                          ? "not usable"
		: modiso_backend_current() == backend ? "in use"
						      : "usable";
	fprintf(out, "  %-9s %s%s%s\n", info.name, state,
		info.reason[0] != '\0' ? ": " : "", info.reason);
}

void map_describe_backends(enum isolation_kind asked, FILE *out)
{
	static const char *const names[] = {"auto", "pkey", "mprotect", "none"};

	fprintf(out, "isolation (asked for: %s)\n", names[asked]);
	if (asked == ISOLATION_NONE) {
		fputs("  none: every module can write everywhere\n", out);
		return;
	}
	describe_backend(MODISO_BACKEND_PKEY, out);
	describe_backend(MODISO_BACKEND_MPROTECT, out);
}

/*
 * What the library itself says about a region, where there is one: the map
 * shows what is enforced, not what this program meant to have enforced.
 */
static void print_region(unsigned i, FILE *out)
{
	struct modiso_region_info info = {.struct_size = sizeof(info)};
	const char *owner = regions[i].owner;
	size_t length = regions[i].length;

	if (modiso_region_find(regions[i].base, &info) == 0) {
		owner = info.owner == NULL ? "kernel"
					   : modiso_module_name(info.owner);
		length = info.length;
	}
	fprintf(out, "  %14p %7zu  %-21s %s\n", regions[i].base, length,
		regions[i].name, owner);
}

void map_print(FILE *out)
{
	bool isolated = modiso_backend_current() != MODISO_BACKEND_AUTO;
	unsigned i;

	fprintf(out, "memory\n  %14s %7s  %-21s %s\n", "address", "bytes",
		"region", "writable by");
	for (i = 0; i < region_count; i++)
		print_region(i, out);
	fputs(isolated ? "  The kernel may also write what is a device's; a "
			 "device nothing but its own.\n"
		       : "  One heap. Names are all that keeps these apart.\n",
	      out);
}
