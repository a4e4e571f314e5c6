/* SPDX-License-Identifier: MIT */
/* A module with a larger stack, and a pointer of the host's to find it by. */
#include <modiso.h>
#include <stdio.h>

struct device {
	const char *model;
};

int main(void)
{
	struct device uart = { "16550" };
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = MODISO_CONFINE_GUARD,
		.stack_size = 256 * 1024,
		.cookie = &uart,
	};
	struct modiso_module *module;
	struct device *device;

	if (modiso_init(NULL) != 0 ||
	    modiso_module_create("uart0", &options, &module) != 0) {
		fprintf(stderr, "%s\n", modiso_last_error_text());
		return 1;
	}
	device = modiso_module_cookie(module);
	printf("%s is a %s\n", modiso_module_name(module), device->model);
	return modiso_module_destroy(module) != 0 || modiso_fini() != 0;
}
