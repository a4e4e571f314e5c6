/* SPDX-License-Identifier: MIT */
/*
 * --syscalls: nothing of a module's system calls is stopped here, so that the
 * library refuses the module, with its reason.
 */
#include "../syscalls.h"

bool syscalls_read(const char *word)
{
	(void)word;
	return true;
}

uint32_t syscalls_preset(void)
{
	return MODISO_SYSCALLS_NONE;
}

bool syscalls_apply(struct modiso_module *module)
{
	(void)module;
	return true;
}

int syscalls_print(struct modiso_module *module)
{
	(void)module;
	return 0;
}
