/* SPDX-License-Identifier: MIT */
/*
 * In the place of musl's file of this name: the thread pointer is a variable of
 * the module (start.c). The one in %fs is the host's.
 */
extern hidden char __modiso_thread[];

static inline uintptr_t __get_tp(void)
{
	return (uintptr_t)__modiso_thread;
}

#define MC_PC gregs[REG_RIP]
