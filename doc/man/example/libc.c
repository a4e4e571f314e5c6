/* SPDX-License-Identifier: MIT */
/* A module's memcpy() is the library's, which looks where it writes to. */
#include <modiso.h>
#include <stdio.h>
#include <string.h>

static char secret[16] = "of the host";

typedef void *copy_fn(void *to, const void *from, size_t length);

static uintptr_t model(copy_fn *copy, void *to, const void *from)
{
	return (uintptr_t)copy(to, from, 8);
}

int main(void)
{
	struct modiso_service_options options = MODISO_SERVICE_OPTIONS_INIT;
	struct modiso_region *own, *guarded;
	struct modiso_service *service;
	struct modiso_module *module;
	struct modiso_gate *gate;
	uintptr_t args[3], result;
	modiso_fn function;

	function = modiso_libc_function("memcpy", &options.flags);
	if (modiso_init(NULL) != 0 ||
	    modiso_module_create("model", NULL, &module) != 0 ||
	    modiso_region_create(module, 4096, MODISO_READ | MODISO_WRITE, NULL,
				 &own) != 0 ||
	    modiso_region_create(NULL, 4096, MODISO_READ | MODISO_WRITE, NULL,
				 &guarded) != 0 ||
	    modiso_service_create("memcpy", function, &options, &service) !=
		    0 ||
	    modiso_gate_create(module, (modiso_fn)model, NULL, &gate) != 0)
		return 1;
	memcpy(modiso_region_base(guarded), secret, sizeof(secret));
	args[0] = (uintptr_t)modiso_service_thunk(service);
	args[1] = (uintptr_t)modiso_region_base(own);
	args[2] = (uintptr_t)modiso_region_base(guarded);
	if (modiso_gate_call(gate, args, 3, &result) != MODISO_ERR_FAULT)
		return 1;
	puts(modiso_last_error_text());
	return modiso_module_destroy(module) != 0 ||
	       modiso_region_destroy(guarded) != 0 ||
	       modiso_service_destroy(service) != 0 || modiso_fini() != 0;
}
