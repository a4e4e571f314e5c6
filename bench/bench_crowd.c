/* SPDX-License-Identifier: MIT */
/*
 * bench_crowd.c - many modules, and modules with many regions.
 *
 * With more modules than protection keys a call is a miss: the module that goes
 * loses its key, the one that comes gets it.
 */
#include "bench.h"

#include <stdlib.h>

#define PAGE  ((size_t)4096)
#define CROWD 1000u
#define MANY  100u

static struct one {
	struct modiso_module *module;
	uintptr_t (*thunk)(uintptr_t);
} crowd[CROWD], rich[2];
static unsigned crowd_count;

static void __attribute__((noinline)) entry_null(uintptr_t argument)
{
	__asm__ volatile("" ::"r"(argument));
}

static int make_region(struct modiso_module *module)
{
	struct modiso_region *region;

	return bench_check("modiso_region_create",
			   modiso_region_create(module, PAGE,
						MODISO_READ | MODISO_WRITE,
						NULL, &region));
}

static int make_one(struct one *one, unsigned regions)
{
	struct modiso_gate_options options = {.struct_size = sizeof(options),
					      .word_args = 1};
	struct modiso_gate *gate;
	modiso_fn plain;
	int rc;

	rc = bench_check("modiso_module_create",
			 modiso_module_create("crowd", NULL, &one->module));
	while (rc == 0 && regions-- > 0)
		rc = make_region(one->module);
	if (rc == 0)
		rc = bench_check("modiso_gate_create",
				 modiso_gate_create(one->module,
						    (modiso_fn)entry_null,
						    &options, &gate));
	if (rc == 0)
		rc = bench_check("modiso_gate_thunk",
				 modiso_gate_thunk(gate, &plain));
	if (rc == 0)
		one->thunk = (uintptr_t(*)(uintptr_t))plain;
	return rc;
}

/* Made when a row is run, and kept: other rows do not have that many. */
static int make_crowd(unsigned count)
{
	int rc = 0;

	while (rc == 0 && crowd_count < count) {
		rc = make_one(&crowd[crowd_count], 1);
		crowd_count += rc == 0;
	}
	return rc;
}

static int crowd_16(void)
{
	return make_crowd(16);
}

static int crowd_64(void)
{
	return make_crowd(64);
}

static int crowd_all(void)
{
	return make_crowd(CROWD);
}

static int run_hit(uint64_t rounds)
{
	uintptr_t (*call)(uintptr_t) = crowd[0].thunk;

	while (rounds-- > 0)
		call(1);
	return bench_check("thunk", modiso_gate_status());
}

static int run_in_turn(uint64_t rounds, const struct one *ones, unsigned count)
{
	unsigned i;

	while (rounds-- > 0)
		for (i = 0; i < count; i++)
			ones[i].thunk(1);
	return bench_check("thunk", modiso_gate_status());
}

static int run_16(uint64_t rounds)
{
	return run_in_turn(rounds, crowd, 16);
}

static int run_64(uint64_t rounds)
{
	return run_in_turn(rounds, crowd, 64);
}

static int run_1000(uint64_t rounds)
{
	return run_in_turn(rounds, crowd, CROWD);
}

static int make_rich(void)
{
	int rc = 0, i;

	for (i = 0; i < 2 && rc == 0; i++)
		if (rich[i].thunk == NULL)
			rc = make_one(&rich[i], MANY);
	return rc;
}

static int run_rich(uint64_t rounds)
{
	return run_in_turn(rounds, rich, 2);
}

/* Ten regions to a module. */
static int make_and_end(uint64_t rounds, unsigned count)
{
	struct modiso_module **modules = calloc(count, sizeof(*modules));
	unsigned i, n;
	int rc = 0;

	if (modules == NULL)
		return bench_say(BENCH_FAILED, "no memory");
	while (rounds-- > 0 && rc == 0) {
		for (i = 0; i < count && rc == 0; i++) {
			rc = bench_check("modiso_module_create",
					 modiso_module_create("passing", NULL,
							      &modules[i]));
			for (n = 0; n < 10 && rc == 0; n++)
				rc = make_region(modules[i]);
		}
		while (i-- > 0)
			if (modules[i] != NULL)
				rc |= bench_check(
					"modiso_module_destroy",
					modiso_module_destroy(modules[i]));
	}
	free(modules);
	return rc;
}

static int run_regions_100(uint64_t rounds)
{
	return make_and_end(rounds, 10);
}

static int run_regions_10000(uint64_t rounds)
{
	return make_and_end(rounds, 1000);
}

static int run_regions_100000(uint64_t rounds)
{
	return make_and_end(rounds, 10000);
}

static int crowd_open(void)
{
	return 0;
}

static void crowd_close(void)
{
	int i;

	while (crowd_count > 0)
		bench_check("modiso_module_destroy",
			    modiso_module_destroy(crowd[--crowd_count].module));
	for (i = 0; i < 2; i++)
		if (rich[i].module != NULL)
			bench_check("modiso_module_destroy",
				    modiso_module_destroy(rich[i].module));
}

static const char way_trip[] = "round trip";

static const struct bench_row rows[] = {
	{ROW_ALTERNATE_RICH, way_trip, 0, 2, run_rich, make_rich, NULL},
	{ROW_TURN_16, way_trip, BENCH_HEAVY, 16, run_16, crowd_16, NULL},
	{ROW_TURN_64, way_trip, BENCH_HEAVY, 64, run_64, crowd_64,
	 NULL},
	{ROW_TURN_1000, way_trip, BENCH_HEAVY, CROWD, run_1000,
	 crowd_all, NULL},
	{ROW_HIT_1000, way_trip, 0, 0, run_hit, crowd_all, NULL},
	{ROW_REGIONS_100, way_trip, BENCH_HEAVY, 100,
	 run_regions_100, NULL, NULL},
	{ROW_REGIONS_10000, way_trip, BENCH_HEAVY | BENCH_RARE, 10000,
	 run_regions_10000, NULL, NULL},
	{ROW_REGIONS_100000, way_trip, BENCH_HEAVY | BENCH_RARE, 100000,
	 run_regions_100000, NULL, NULL},
	{NULL, NULL, 0, 0, NULL, NULL, NULL},
};

const struct bench_subject bench_crowd = {
	.rows = rows,
	.open = crowd_open,
	.close = crowd_close,
};
