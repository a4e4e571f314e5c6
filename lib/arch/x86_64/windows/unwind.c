/* SPDX-License-Identifier: MIT */
/*
 * No unwinder meets a gate here: the system's goes by the limits of the stack
 * that the TEB names, and a module's is not among them. An exception that a
 * module throws ends the process.
 */
#include "arch/x86_64/unwind.h"

#include "arch/arch.h"
#include "os/misuse.h"

#include <setjmp.h>

struct mdi_signal_entries {
	uint32_t unused;
};
const struct mdi_signal_entries mdi_entries_plain;

/* gate_common.S names it. */
MODISO_CALL void mdi_unwind_drop(void *exception);

MODISO_CALL void mdi_unwind_drop(void *exception)
{
	(void)exception;
}

uintptr_t mdi_jump_sp(const void *jmp_buf)
{
	return ((const _JUMP_BUFFER *)jmp_buf)->Rsp;
}

void mdi_unwind_go_on(void *exception)
{
	(void)exception;
	mdi_misuse("an exception left a service, and cannot be carried over "
		   "the module's frames on this system");
}

/* --- fibers: always by C, as no signal comes in between --- */

int mdi_fiber_switch_plain(struct mdi_thread *to,
			   int (*otherwise)(struct mdi_thread *to))
{
	return otherwise(to);
}

/* GS is the TEB's, and no module's to change. */
void mdi_block_base_set(uintptr_t base)
{
	(void)base;
}
