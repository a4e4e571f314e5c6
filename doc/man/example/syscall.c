/* SPDX-License-Identifier: MIT */
/* A module asks the kernel, and the host answers. */
#include <modiso.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Runs in the host; the bytes are the module's. */
static intptr_t print(const struct modiso_syscall *call, void *unused)
{
	char text[64];
	size_t length = call->args[2] < sizeof(text) ? call->args[2] :
						       sizeof(text);

	(void)unused;
	if (modiso_copy_in(call->module, text, (const void *)call->args[1],
			   length) != 0)
		return -14; /* EFAULT */
	fwrite(text, 1, length, stdout);
	return (intptr_t)length;
}

/* Runs in a module. */
static intptr_t say(const char *text, size_t length)
{
	intptr_t result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"((long)SYS_write), "D"(1l), "S"(text),
			   "d"(length)
			 : "rcx", "r11", "memory");
	return result;
}

int main(void)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.syscalls = MODISO_SYSCALLS_COMPUTE,
	};
	struct modiso_module *module;
	struct modiso_region *region;
	struct modiso_gate *gate;
	uintptr_t args[2], value;
	int result;

	if (modiso_init(NULL) != 0)
		return 1;
	result = modiso_module_create("guarded", &options, &module);
	if (result == MODISO_ERR_NOTSUP) {
		printf("%s\n", modiso_last_error_text());
		return modiso_fini() != 0;
	}
	if (result != 0 ||
	    modiso_syscall_callback(module, 0, SYS_write, print, NULL) != 0 ||
	    modiso_region_create(module, 4096, MODISO_READ | MODISO_WRITE,
				 NULL, &region) != 0 ||
	    modiso_gate_create(module, (modiso_fn)say, NULL, &gate) != 0)
		return 1;
	strcpy(modiso_region_base(region), "it says this\n");
	args[0] = (uintptr_t)modiso_region_base(region);
	args[1] = 13;
	if (modiso_gate_call(gate, args, 2, &value) != 0 || value != 13)
		return 1;
	return modiso_module_destroy(module) != 0 || modiso_fini() != 0;
}
