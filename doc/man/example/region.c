/* SPDX-License-Identifier: MIT */
/* A table that the host fills and modules can read, not write. */
#include <modiso.h>
#include <stdint.h>
#include <stdio.h>

static uint32_t *table;

static uint32_t look_up(uint32_t index)
{
	return table[index];
}

static uint32_t spoil(uint32_t index)
{
	return table[index] = 0;
}

static int call(struct modiso_module *module, modiso_fn entry, uintptr_t index)
{
	struct modiso_gate *gate;
	uintptr_t value = 0;
	int result = modiso_gate_create(module, entry, NULL, &gate);

	if (result != 0)
		return result;
	result = modiso_gate_call(gate, &index, 1, &value);
	printf("%s, %u\n", modiso_error_name(result), (uint32_t)value);
	return result;
}

int main(void)
{
	struct modiso_region_options options = {
		.struct_size = sizeof(options),
		.name = "table",
	};
	struct modiso_module *module, *second;
	struct modiso_region *region;

	if (modiso_init(NULL) != 0 ||
	    modiso_module_create("reader", NULL, &module) != 0 ||
	    modiso_module_create("second", NULL, &second) != 0 ||
	    modiso_region_create(module, 4096, MODISO_READ | MODISO_WRITE,
				 &options, &region) != 0)
		return 1;
	table = modiso_region_base(region);
	table[7] = 49;
	if (modiso_region_protect(region, MODISO_READ) != 0)
		return 1;
	if (call(module, (modiso_fn)look_up, 7) != 0 ||
	    call(module, (modiso_fn)spoil, 7) != MODISO_ERR_FAULT)
		return 1;
	/* Another module may read it too, for as long as it is granted. */
	if (modiso_region_grant(region, second, MODISO_READ) != 0 ||
	    call(second, (modiso_fn)look_up, 7) != 0 ||
	    modiso_region_revoke(region, second) != 0 ||
	    call(second, (modiso_fn)look_up, 7) != MODISO_ERR_FAULT)
		return 1;
	return modiso_module_destroy(second) != 0 ||
	       modiso_module_destroy(module) != 0 || modiso_fini() != 0;
}
