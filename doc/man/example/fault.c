/* SPDX-License-Identifier: MIT */
/* A stray write becomes a report and an error code. */
#include <modiso.h>
#include <stdio.h>

static void stray(char *address)
{
	*address = 1;
}

static void landing(const struct modiso_fault *fault, void *arg)
{
	(void)arg;
	if (modiso_fault_print(fault, stdout) != 0)
		fprintf(stderr, "%s\n", modiso_last_error_text());
}

int main(void)
{
	struct modiso_fault fault = { .struct_size = sizeof(fault) };
	struct modiso_module *module;
	struct modiso_region *secret;
	struct modiso_gate *gate;
	uintptr_t address;

	if (modiso_init(NULL) != 0 ||
	    modiso_module_create("buggy", NULL, &module) != 0 ||
	    modiso_region_create(NULL, 4096, MODISO_READ | MODISO_WRITE, NULL,
				 &secret) != 0 ||
	    modiso_gate_create(module, (modiso_fn)stray, NULL, &gate) != 0 ||
	    modiso_fault_notify(NULL, NULL, landing, NULL) != 0)
		return 1;
	address = (uintptr_t)modiso_region_base(secret) + 100;
	if (modiso_gate_call(gate, &address, 1, NULL) != MODISO_ERR_FAULT ||
	    modiso_fault_last(&fault) != 0)
		return 1;
	printf("at offset %zu; the program goes on\n", fault.region_offset);
	return modiso_module_destroy(module) != 0 ||
	       modiso_region_destroy(secret) != 0 || modiso_fini() != 0;
}
