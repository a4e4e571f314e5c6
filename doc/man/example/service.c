/* SPDX-License-Identifier: MIT */
/* A module asks the host for something, and one that may not is stopped. */
#include <modiso.h>
#include <stdio.h>

/* Runs in the host; its arguments come from the module. */
static long kernel_call(long request, long value)
{
	printf("%s asks for %ld\n",
	       modiso_module_name(modiso_module_caller()), request);
	return request + value;
}

/* Runs in a module; the pointer is an ordinary function to it. */
static long driver(long (*kernel)(long, long))
{
	return kernel(40, 2);
}

static int run(struct modiso_module *module, struct modiso_service *service)
{
	struct modiso_gate *gate;
	uintptr_t thunk = (uintptr_t)modiso_service_thunk(service), value = 0;
	int result;

	result = modiso_gate_create(module, (modiso_fn)driver, NULL, &gate);
	if (result != 0)
		return result;
	result = modiso_gate_call(gate, &thunk, 1, &value);
	printf("%s, %ld\n", modiso_error_name(result), (long)value);
	return result;
}

int main(void)
{
	struct modiso_service_options options = {
		.struct_size = sizeof(options),
		.flags = MODISO_SERVICE_LISTED,
	};
	struct modiso_module *trusted, *other;
	struct modiso_service *service;

	if (modiso_init(NULL) != 0 ||
	    modiso_module_create("trusted", NULL, &trusted) != 0 ||
	    modiso_module_create("other", NULL, &other) != 0 ||
	    modiso_service_create("kernel", (modiso_fn)kernel_call, &options,
				  &service) != 0 ||
	    modiso_service_allow(service, trusted) != 0)
		return 1;
	if (run(trusted, service) != 0 ||
	    run(other, service) != MODISO_ERR_FAULT)
		return 1;
	return modiso_service_destroy(service) != 0 ||
	       modiso_module_destroy(trusted) != 0 ||
	       modiso_module_destroy(other) != 0 || modiso_fini() != 0;
}
