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
			 const struct mdi_context *context);

/* Fill in what a fault of this kind has to say. AS-Safe. */
void mdi_door_record(struct modiso_fault *fault);

/*
 * The filter said PASS: do what the module asked for, on the host's stack with
 * the host's rights.
 */
void mdi_door_carry_out(const struct modiso_fault *fault)
	__attribute__((noreturn));

/*
 * Asked by the functions of the C library that the library stands in front of,
 * whoever calls them. They return when the C library's own is to go on; @how is
 * one of MDI_EXIT_* (os/libc.h).
 */
bool mdi_door_is_module(void); /* the caller */
void mdi_door_before_exit(int status, unsigned how);
void mdi_door_before_abort(void);
void mdi_door_before_thread(void);

#endif /* MDI_CORE_DOOR_H */
