/* SPDX-License-Identifier: MIT */
/*
 * core/schedule.h - threads that the host starts in a module and takes out of
 * it.
 */
#ifndef MDI_CORE_SCHEDULE_H
#define MDI_CORE_SCHEDULE_H

#include <modiso/thread.h>

#include "core/thread.h"

/* Returns only when the call cannot begin. */
int mdi_thread_enter(struct modiso_gate *gate, const uintptr_t *words,
		     modiso_ended_fn ended, void *arg);

/*
 * 0, or MODISO_ERR_BUSY: it is in the middle of the library, or on its way
 * there from a fault. AS-Safe.
 */
int mdi_thread_stopped(const struct mdi_thread *thread);

int mdi_thread_abandon(struct mdi_thread *thread, modiso_abandoned_fn landing,
		       void *arg);

/*
 * At the end of a handler, or by who has stopped it otherwise, for a thread
 * that is to be abandoned: true when
 * @context now leads to mdi_gate_recover(). False when it is in no module, or
 * the frame of its first gate is not written yet: with no stack to go to, that
 * gate asks mdi_thread_is_over(). AS-Safe.
 */
bool mdi_thread_take_out(struct mdi_thread *thread,
			 struct mdi_context *context);

/* From mdi_gate_land(): the last gate ends, the landing is told. */
void mdi_thread_landed(struct mdi_thread *thread);

/* Is the calling thread, which is attached, in no module? */
bool mdi_thread_is_out(void);

/*
 * The calling thread, at a gate that has not begun: is it to give up? Asked
 * where no handler comes between the answer and what makes the thread one that
 * is in a module: its frame with mprotect; with keys the link, which
 * mdi_thread_abandon() takes away again.
 */
static inline bool mdi_thread_is_over(const struct mdi_thread *thread)
{
	return thread->abandoned && mdi_thread_is_out();
}

/* It gives up: the landing is told, outside of all locks. */
void mdi_thread_give_up(struct mdi_thread *thread);

#endif /* MDI_CORE_SCHEDULE_H */
