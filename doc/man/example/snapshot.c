/* SPDX-License-Identifier: MIT */
/* A parser that remembers too much is given each input afresh. */
#include <modiso.h>
#include <stdio.h>

/* Module code: spoils its own memory, and crashes on every second input. */
static int parse(unsigned char *memory, unsigned input)
{
	memory[0]++;
	if (input % 2 == 1)
		__builtin_trap();
	return memory[0];
}

int main(void)
{
	struct modiso_module *module;
	struct modiso_region *region;
	struct modiso_gate *gate;
	uintptr_t args[2], count;
	unsigned input;
	int result;

	if (modiso_init(NULL) != 0 ||
	    modiso_module_create("parser", NULL, &module) != 0 ||
	    modiso_region_create(module, 65536, MODISO_READ | MODISO_WRITE,
				 NULL, &region) != 0 ||
	    modiso_gate_create(module, (modiso_fn)parse, NULL, &gate) != 0 ||
	    modiso_snapshot_take(module) != 0)
		return 1;
	args[0] = (uintptr_t)modiso_region_base(region);
	for (input = 0; input < 4; input++) {
		args[1] = input;
		result = modiso_gate_call(gate, args, 2, &count);
		if (result == 0)
			printf("input %u: call number %d\n", input, (int)count);
		else
			printf("input %u: %s\n", input,
			       modiso_last_error_text());
		if (modiso_snapshot_restore(module) != 0)
			return 1;
	}
	return modiso_module_destroy(module) != 0 || modiso_fini() != 0;
}
