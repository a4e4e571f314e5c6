/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/windows/trap.h - an exception as the system brings it.
 */
#ifndef MDI_ARCH_X86_64_WINDOWS_TRAP_H
#define MDI_ARCH_X86_64_WINDOWS_TRAP_H

#include "os/windows/windows.h"

/* What arch/context.h reads and edits. */
struct mdi_context {
	CONTEXT *machine;
	const EXCEPTION_RECORD *record;
};

/*
 * In a module: is this a C++ exception, or one that is like it? Then the thread
 * goes on to where a call ends that something was thrown out of.
 */
bool mdi_unwind_begins(struct mdi_context *context);

/* function(arg), with RSP at @sp, a multiple of 16: trap.S. */
void mdi_call_on(void (*function)(void *arg), void *arg, uintptr_t sp);

/* With the block in r12, to the label in r13: trap.S. */
void mdi_redirected(void);

#endif /* MDI_ARCH_X86_64_WINDOWS_TRAP_H */
