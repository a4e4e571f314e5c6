/* SPDX-License-Identifier: MIT */
/*
 * core/door.h - ways out of a module that are no gate: an exception, the end
 * of the thread, exit(3), longjmp(3). Each comes to the fault handler as a trap
 * at a place of our own (arch: "doors"), so that it ends the call as a fault
 * does: with host rights, on the host's stack.
 */
#ifndef MDI_CORE_DOOR_H
#define MDI_CORE_DOOR_H

#include "core/module.h"

/* The kind of fault that a place stands for; NONE: it is no door. AS-Safe. */
uint32_t mdi_door_kind(uintptr_t pc);

/*
 * Is this the end of the thread, pthread_exit(3) or a cancellation, asked for
 * by code that can be taken at its word? Then the exception that unwinds, else
 * NULL. AS-Safe.
 */
void *mdi_door_ending_of(const struct mdi_thread *thread,
			 const struct modiso_module *module,
			 const ucontext_t *context);

/* Does this longjmp(3) of module code stay off the host's stack? AS-Safe. */
bool mdi_door_may_jump(const struct mdi_thread *thread,
		       const struct modiso_module *module,
		       const ucontext_t *context);

/*
 * Host code runs as the module: it was left by a jump that nobody saw, and what
 * the frames say of the host's stack may be long overwritten. Not so where the
 * module cannot write to the host's stack: there it is as it was. AS-Safe.
 */
bool mdi_door_ran_past(const struct mdi_thread *thread,
		       const struct modiso_module *module,
		       const ucontext_t *context);

/* Fill in what a fault of this kind has to say. AS-Safe. */
void mdi_door_record(struct modiso_fault *fault);

/*
 * The filter said PASS: do what the module asked for, on the host's stack with
 * the host's rights.
 */
void mdi_door_carry_out(const struct modiso_fault *fault)
	__attribute__((noreturn));

#endif /* MDI_CORE_DOOR_H */
