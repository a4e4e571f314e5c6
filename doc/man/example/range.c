/* SPDX-License-Identifier: MIT */
/* A service that prints a string, and trusts neither pointer nor length. */
#include <modiso.h>
#include <stdio.h>

static int print_line(const char *text)
{
	struct modiso_module *caller = modiso_module_caller();
	char copy[80];
	size_t length;
	int result = modiso_strnlen(caller, text, sizeof(copy), &length);

	if (result == 0)
		result = modiso_copy_in(caller, copy, text, length);
	if (result != 0) {
		printf("refused: %s\n", modiso_last_error_text());
		return result;
	}
	copy[length] = '\0'; /* the module may have changed it meanwhile */
	printf("module says: %s\n", copy);
	return 0;
}

/* The second pointer is one that the module has no business with. */
static int driver(int (*print)(const char *), char *own, char *host)
{
	own[0] = 'h';
	own[1] = 'i';
	own[2] = '\0';
	return print(own) == 0 && print(host) != 0 ? 0 : 1;
}

int main(void)
{
	struct modiso_module *module;
	struct modiso_region *region;
	struct modiso_service *service;
	struct modiso_gate *gate;
	uintptr_t args[3], failed;

	if (modiso_init(NULL) != 0 ||
	    modiso_module_create("talker", NULL, &module) != 0 ||
	    modiso_region_create(module, 4096, MODISO_READ | MODISO_WRITE,
				 NULL, &region) != 0 ||
	    modiso_service_create("print", (modiso_fn)print_line, NULL,
				  &service) != 0 ||
	    modiso_gate_create(module, (modiso_fn)driver, NULL, &gate) != 0)
		return 1;
	args[0] = (uintptr_t)modiso_service_thunk(service);
	args[1] = (uintptr_t)modiso_region_base(region);
	args[2] = (uintptr_t)&module;
	if (modiso_gate_call(gate, args, 3, &failed) != 0 || failed)
		return 1;
	return modiso_service_destroy(service) != 0 ||
	       modiso_module_destroy(module) != 0 || modiso_fini() != 0;
}
