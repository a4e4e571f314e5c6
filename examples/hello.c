/* SPDX-License-Identifier: MIT */
/*
 * hello.c - one module, one region, one gate.
 *
 *   cc -o hello hello.c $(pkg-config --cflags --libs libmodiso)
 *
 * A module writes a greeting into a region of its own, and the host reads it.
 * Prints "hello from inside: 17 bytes".
 */
#include "checked.h"

#include <modiso.h>

#include <stdio.h>

/* Runs inside the module: may write @buffer, and no other region. */
static size_t greet(char *buffer, size_t size)
{
	static const char text[] = "hello from inside";
	size_t i;

	for (i = 0; i + 1 < size && text[i] != '\0'; i++)
		buffer[i] = text[i];
	buffer[i] = '\0';
	return i;
}

int main(void)
{
	struct modiso_module *module;
	struct modiso_region *region;
	struct modiso_gate *gate;
	uintptr_t args[2], length;

	check(modiso_init(NULL), "modiso_init");
	check(modiso_module_create("greeter", NULL, &module),
	      "modiso_module_create");
	check(modiso_region_create(module, 4096, MODISO_READ | MODISO_WRITE,
				   NULL, &region),
	      "modiso_region_create");
	check(modiso_gate_create(module, (modiso_fn)greet, NULL, &gate),
	      "modiso_gate_create");

	args[0] = (uintptr_t)modiso_region_base(region);
	args[1] = modiso_region_length(region);
	check(modiso_gate_call(gate, args, 2, &length), "modiso_gate_call");
	printf("%s: %zu bytes\n", (char *)args[0], (size_t)length);

	/* Takes its region and its gate along. */
	check(modiso_module_destroy(module), "modiso_module_destroy");
	check(modiso_fini(), "modiso_fini");
	return 0;
}
