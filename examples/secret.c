/* SPDX-License-Identifier: MIT */
/*
 * secret.c - keep a key away from a parser.
 *
 *   cc -o secret secret.c $(pkg-config --cflags --libs libmodiso)
 *
 * The key lies in a guarded host region. The parser reads whatever it is
 * pointed at; when that is the key, it reads nothing.
 */
#include "checked.h"

#include <modiso.h>

#include <stdio.h>
#include <string.h>

/* Runs inside the module. */
static size_t parse(const char *message, char *out, size_t size)
{
	size_t i;

	for (i = 0; i + 1 < size && message[i] != '\0'; i++)
		out[i] = message[i];
	out[i] = '\0';
	return i;
}

static void *new_region(struct modiso_module *owner, const char *name,
			size_t length)
{
	struct modiso_region_options options = {.struct_size = sizeof(options),
						.name = name};
	struct modiso_region *region;

	check(modiso_region_create(owner, length, MODISO_READ | MODISO_WRITE,
				   &options, &region),
	      "modiso_region_create");
	return modiso_region_base(region);
}

int main(void)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};
	struct modiso_module *module;
	struct modiso_gate *gate;
	uintptr_t args[3], length;
	char *key;

	check(modiso_init(NULL), "modiso_init");
	check(modiso_module_create("parser", NULL, &module), "module");
	check(modiso_gate_create(module, (modiso_fn)parse, NULL, &gate),
	      "gate");
	key = new_region(NULL, "key", 32); /* owner NULL: the host's */
	strcpy(key, "correct horse battery staple");

	args[0] = (uintptr_t) "a message";
	args[1] = (uintptr_t)new_region(module, "text", 256);
	args[2] = 256;
	check(modiso_gate_call(gate, args, 3, &length), "modiso_gate_call");
	printf("parsed: %s\n", (char *)args[1]);

	args[0] = (uintptr_t)key; /* the parser is led astray */
	if (modiso_gate_call(gate, args, 3, &length) != MODISO_ERR_FAULT)
		return 1;
	check(modiso_fault_last(&fault), "modiso_fault_last");
	check(modiso_fault_print(&fault, stdout), "modiso_fault_print");
	printf("the key is where it was: %s\n", key);
	return 0;
}
