/* SPDX-License-Identifier: MIT */
/*
 * front/windows/trap.h - exceptions come to the library first.
 */
#ifndef MDI_FRONT_WINDOWS_TRAP_H
#define MDI_FRONT_WINDOWS_TRAP_H

#include "base/common.h"

struct mdi_thread;

/* 0, or MODISO_ERR_OS with a sentence. */
int mdi_traps_start(void);
void mdi_traps_stop(void);

/* Whoever has come in front of the library since is behind it again. */
int mdi_traps_again(void);

/* The stack of a block that exceptions in modules are served on; and back. */
int mdi_trap_stack_commit(uint32_t index);
void mdi_trap_stack_uncommit(uint32_t index);

/* A call of this thread has ended with a fault. */
void mdi_trap_landed(struct mdi_thread *thread);

/*
 * A thread that was stopped (SuspendThread) goes on where its first gate ends.
 * 0, or MODISO_ERR_OS.
 */
int mdi_trap_take_out(struct mdi_thread *thread);

/* Is that the stack of this thread? */
bool mdi_trap_stack_holds(const struct mdi_thread *thread, uintptr_t sp);

#endif /* MDI_FRONT_WINDOWS_TRAP_H */
