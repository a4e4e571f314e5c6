/* SPDX-License-Identifier: MIT */
/* What would this module break? It goes on, and a table says where. */
#include <modiso.h>
#include <stdio.h>

static uintptr_t add_up(const unsigned char *bytes, size_t length)
{
	uintptr_t sum = 0;

	for (size_t i = 0; i < length; i++)
		sum += bytes[i];
	return sum;
}

int main(void)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.flags = MODISO_MODULE_PERMISSIVE,
	};
	struct modiso_module *module;
	struct modiso_region *secret;
	struct modiso_gate *gate;
	uintptr_t args[2], sum;
	int failed;

	if (modiso_init(NULL) != 0 ||
	    modiso_module_create("adder", &options, &module) != 0 ||
	    modiso_region_create(NULL, 4096, MODISO_READ | MODISO_WRITE, NULL,
				 &secret) != 0 ||
	    modiso_gate_create(module, (modiso_fn)add_up, NULL, &gate) != 0)
		return 1;
	args[0] = (uintptr_t)modiso_region_base(secret);
	args[1] = 3;
	if (modiso_gate_call(gate, args, 2, &sum) != 0)
		return 1;
	printf("%llu accesses were let pass\n",
	       (unsigned long long)modiso_permitted_count());
	failed = modiso_permitted_print(stdout);
	return failed != 0 || modiso_module_destroy(module) != 0 ||
	       modiso_region_destroy(secret) != 0 || modiso_fini() != 0;
}
