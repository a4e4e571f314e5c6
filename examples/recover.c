/* SPDX-License-Identifier: MIT */
/*
 * recover.c - survive a crashing callee.
 *
 *   cc -o recover recover.c $(pkg-config --cflags --libs libmodiso)
 *
 * Calls a function that crashes in three ways, as if it were a plain function:
 * the thunk returns -1 where the function did not come to its end.
 */
#include "checked.h"

#include <modiso.h>

#include <stdio.h>

static int *volatile nowhere;

static int dig(int depth)
{
	volatile char hole[512];

	hole[0] = (char)depth;
	return depth < 0 ? 0 : dig(depth + 1) + hole[0];
}

/* Runs inside the module. */
static int risky(int way, int divisor)
{
	switch (way) {
	case 0:
		return 100 / divisor;
	case 1:
		return *nowhere;
	default:
		return dig(0);
	}
}

int main(void)
{
	struct modiso_gate_options options = {.struct_size = sizeof(options),
					      .word_args = 2,
					      .fault_value = (uintptr_t)-1};
	struct modiso_fault fault = {.struct_size = sizeof(fault)};
	struct modiso_module *module;
	struct modiso_gate *gate;
	modiso_fn thunk;
	int way, result;

	check(modiso_init(NULL), "modiso_init");
	check(modiso_module_create("risky", NULL, &module),
	      "modiso_module_create");
	check(modiso_gate_create(module, (modiso_fn)risky, &options, &gate),
	      "modiso_gate_create");
	check(modiso_gate_thunk(gate, &thunk), "modiso_gate_thunk");

	printf("100 / 4 = %d\n", ((int (*)(int, int))thunk)(0, 4));
	for (way = 0; way < 3; way++) {
		result = ((int (*)(int, int))thunk)(way, 0);
		if (modiso_gate_status() != MODISO_ERR_FAULT)
			return 1;
		check(modiso_fault_last(&fault), "modiso_fault_last");
		printf("way %d: returned %d, fault: %s\n", way, result,
		       modiso_fault_kind_name(fault.kind));
	}
	check(modiso_module_destroy(module), "modiso_module_destroy");
	check(modiso_fini(), "modiso_fini");
	return 0;
}
