/* SPDX-License-Identifier: MIT */
/*
 * bench_region.c - windows, and the making and ending of regions and modules.
 */
#include "bench.h"

static struct modiso_module *module;
static struct modiso_region *region;

static int run_window(uint64_t rounds)
{
	int rc = 0;

	while (rounds-- > 0 && rc == 0) {
		rc = modiso_window_open(region, MODISO_READ | MODISO_WRITE);
		if (rc == 0)
			rc = modiso_window_close(region);
	}
	return bench_check("modiso_window_open, _close", rc);
}

static int run_region(uint64_t rounds)
{
	struct modiso_region *passing;
	int rc = 0;

	while (rounds-- > 0 && rc == 0) {
		rc = modiso_region_create(module, 4096,
					  MODISO_READ | MODISO_WRITE, NULL,
					  &passing);
		if (rc == 0)
			rc = modiso_region_destroy(passing);
	}
	return bench_check("modiso_region_create, _destroy", rc);
}

static int run_module(uint64_t rounds)
{
	struct modiso_module *passing;
	int rc = 0;

	while (rounds-- > 0 && rc == 0) {
		rc = modiso_module_create("passing", NULL, &passing);
		if (rc == 0)
			rc = modiso_module_destroy(passing);
	}
	return bench_check("modiso_module_create, _destroy", rc);
}

static int region_open(void)
{
	int rc = bench_check("modiso_module_create",
			     modiso_module_create("regions", NULL, &module));

	if (rc == 0)
		rc = bench_check(
			"modiso_region_create",
			modiso_region_create(module, 4096,
					     MODISO_READ | MODISO_WRITE, NULL,
					     &region));
	return rc;
}

static void region_close(void)
{
	bench_check("modiso_module_destroy", modiso_module_destroy(module));
}

static const char way_trip[] = "round trip";

static const struct bench_row rows[] = {
	{"window: open and close", way_trip, BENCH_QUICK, 0, run_window, NULL,
	 NULL},
	{"region: create and destroy, 1 page", way_trip, BENCH_HEAVY, 0,
	 run_region, NULL, NULL},
	{"module: create and destroy", way_trip, BENCH_HEAVY, 0, run_module,
	 NULL, NULL},
	{NULL, NULL, 0, 0, NULL, NULL, NULL},
};

const struct bench_subject bench_region = {
	.rows = rows,
	.open = region_open,
	.close = region_close,
};
