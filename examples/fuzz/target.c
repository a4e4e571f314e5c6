/* SPDX-License-Identifier: MIT */
#include "target.h"

#include "../checked.h"
#include "coverage.h"

#include <modiso.h>

#include <stdio.h>
#include <stdlib.h>

uint8_t target_counters[TARGET_COUNTERS];
size_t target_counter_count;
uintptr_t target_pcs[2 * TARGET_COUNTERS];
size_t target_pc_words;

static struct modiso_module *module;
static struct modiso_gate *parse;
static struct coverage coverage;
static uint8_t *input_end;

/* The module's memory as target_start() left it. */
static void rewind_module(void)
{
	check(modiso_snapshot_restore(module), "modiso_snapshot_restore");
}

static void find_coverage(const struct modiso_image *image)
{
	void *there;

	if (modiso_image_symbol(image, "coverage", &there) != 0)
		return;
	check(modiso_copy_in(module, &coverage, there, sizeof(coverage)),
	      "modiso_copy_in");
	if (coverage.counter_count > TARGET_COUNTERS ||
	    coverage.pc_words != 2 * coverage.counter_count) {
		fprintf(stderr,
			"%lu counters, %lu words of addresses: not at "
			"most %d, not two for each\n",
			coverage.counter_count, coverage.pc_words,
			TARGET_COUNTERS);
		exit(1);
	}
	target_counter_count = coverage.counter_count;
	target_pc_words = coverage.pc_words;
	check(modiso_copy_in(module, target_pcs, coverage.pcs,
			     target_pc_words * sizeof(*target_pcs)),
	      "modiso_copy_in");
}

void target_start(void)
{
	const char *path = getenv("MODISO_FUZZ_MODULE");
	struct modiso_region *input;
	struct modiso_image *image;

	check(modiso_init(NULL), "modiso_init");
	check(modiso_module_create("parser", NULL, &module),
	      "modiso_module_create");
	check(modiso_image_load(module, path != NULL ? path : "parser.so", NULL,
				&image),
	      "modiso_image_load");
	check(modiso_image_gate(image, "parse", NULL, &parse),
	      "modiso_image_gate");
	check(modiso_region_create(module, TARGET_INPUT_MAX,
				   MODISO_READ | MODISO_WRITE, NULL, &input),
	      "modiso_region_create");
	input_end = (uint8_t *)modiso_region_base(input) + TARGET_INPUT_MAX;
	find_coverage(image);
	check(modiso_snapshot_take(module), "modiso_snapshot_take");
}

/* The input ends where the region does: what is read behind it is a fault. */
static int run(const uint8_t *bytes, size_t length)
{
	uintptr_t args[2] = {(uintptr_t)(input_end - length), length};

	rewind_module();
	check(modiso_copy_out(module, input_end - length, bytes, length),
	      "modiso_copy_out");
	return modiso_gate_call(parse, args, 2, NULL);
}

static enum modiso_verdict pass_on(const struct modiso_fault *fault, void *arg)
{
	(void)fault;
	(void)arg;
	return MODISO_VERDICT_PASS;
}

/* The same once more, now for whoever waits for a signal. */
static void crash(const uint8_t *bytes, size_t length)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};

	check(modiso_fault_last(&fault), "modiso_fault_last");
	check(modiso_fault_print(&fault, stderr), "modiso_fault_print");
	check(modiso_fault_notify(module, pass_on, NULL, NULL),
	      "modiso_fault_notify");
	(void)run(bytes, length);
	fputs("the fault did not come again\n", stderr);
	abort();
}

void target_run(const uint8_t *bytes, size_t length)
{
	int code;

	if (length > TARGET_INPUT_MAX)
		length = TARGET_INPUT_MAX;
	code = run(bytes, length);
	if (code == MODISO_ERR_FAULT)
		crash(bytes, length);
	check(code, "modiso_gate_call");
	if (target_counter_count != 0)
		check(modiso_copy_in(module, target_counters, coverage.counters,
				     target_counter_count),
		      "modiso_copy_in");
}
