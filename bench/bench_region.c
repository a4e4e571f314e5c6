/* SPDX-License-Identifier: MIT */
/*
 * bench_region.c - windows, what modules are lent, and the making and ending of
 * regions and modules.
 */
#include "bench.h"

static struct modiso_module *module;
static struct modiso_region *region, *hosts;

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

#define LENT 32 /* bytes, in and out */

/* By itself, as it would be around a call. */
static int run_mailbox(uint64_t rounds)
{
	char in[LENT] = {1}, out[LENT];
	void *first, *second;
	int rc = 0;

	while (rounds-- > 0 && rc == 0) {
		rc = modiso_mailbox_put(module, in, LENT, &first);
		if (rc == 0)
			rc = modiso_mailbox_put(module, NULL, LENT, &second);
		if (rc == 0)
			rc = modiso_mailbox_get(module, out, second, LENT);
		if (rc == 0)
			rc = modiso_mailbox_reset(module, first);
	}
	return bench_check("modiso_mailbox_put, _get, _reset", rc);
}

static int run_copies(uint64_t rounds)
{
	char in[LENT] = {1}, out[LENT], *base = modiso_region_base(region);
	int rc = 0;

	while (rounds-- > 0 && rc == 0) {
		rc = modiso_copy_out(module, base, in, LENT);
		if (rc == 0)
			rc = modiso_copy_in(module, out, base + LENT, LENT);
	}
	return bench_check("modiso_copy_out, modiso_copy_in", rc);
}

/* With page permissions each gate closes it: not there for other rows. */
static int grant_begin(void)
{
	return bench_check("modiso_region_create",
			   modiso_region_create(NULL, 4096,
						MODISO_READ | MODISO_WRITE,
						NULL, &hosts));
}

static void grant_end(void)
{
	bench_check("modiso_region_destroy", modiso_region_destroy(hosts));
}

static int run_grant(uint64_t rounds)
{
	int rc = 0;

	while (rounds-- > 0 && rc == 0) {
		rc = modiso_region_grant(hosts, module,
					 MODISO_READ | MODISO_WRITE);
		if (rc == 0)
			rc = modiso_region_revoke(hosts, module);
	}
	return bench_check("modiso_region_grant, _revoke", rc);
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
	{"lend: mailbox, 32 bytes in and 32 out", way_trip, BENCH_QUICK, 0,
	 run_mailbox, NULL, NULL},
	{"lend: copy 32 bytes out and 32 in", way_trip, BENCH_QUICK, 0,
	 run_copies, NULL, NULL},
	{"lend: grant and revoke a page", way_trip, BENCH_HEAVY, 0, run_grant,
	 grant_begin, grant_end},
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
