/* SPDX-License-Identifier: MIT */
/*
 * bench_fault.c - a module writes where it may not, and the host goes on.
 */
#include "bench.h"

static struct modiso_module *stray, *victim;
static struct modiso_region *region;
static struct modiso_gate *gate;

/* Module code. */
MODISO_CALL static uintptr_t entry_stray(uintptr_t address)
{
	*(volatile char *)address = 1;
	return 0;
}

static int run_fault(uint64_t rounds)
{
	uintptr_t args[1] = {(uintptr_t)modiso_region_base(region)};
	int rc;

	while (rounds-- > 0) {
		rc = modiso_gate_call(gate, args, 1, NULL);
		if (rc != MODISO_ERR_FAULT)
			return bench_say(BENCH_FAILED,
					 "a stray write was not stopped: %s",
					 modiso_error_name(rc));
	}
	return 0;
}

static int fault_open(void)
{
	int rc = bench_check("modiso_module_create",
			     modiso_module_create("stray", NULL, &stray));

	if (rc == 0)
		rc = bench_check("modiso_module_create",
				 modiso_module_create("victim", NULL, &victim));
	if (rc == 0)
		rc = bench_check(
			"modiso_region_create",
			modiso_region_create(victim, 4096,
					     MODISO_READ | MODISO_WRITE, NULL,
					     &region));
	if (rc == 0)
		rc = bench_check("modiso_gate_create",
				 modiso_gate_create(stray,
						    (modiso_fn)entry_stray,
						    NULL, &gate));
	return rc;
}

static void fault_close(void)
{
	bench_check("modiso_module_destroy", modiso_module_destroy(stray));
	bench_check("modiso_module_destroy", modiso_module_destroy(victim));
}

static const struct bench_row rows[] = {
	{ROW_FAULT, "round trip", BENCH_QUICK | BENCH_HEAVY, 0, run_fault, NULL,
	 NULL},
	{NULL, NULL, 0, 0, NULL, NULL, NULL},
};

const struct bench_subject bench_fault = {
	.rows = rows,
	.open = fault_open,
	.close = fault_close,
};
