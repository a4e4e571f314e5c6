/* SPDX-License-Identifier: MIT */
/*
 * core/front.h - what core asks of the layer above it that stands in front of
 * the program's own handlers: front/, which knows the operating system's traps
 * as well as core's threads and frames. It is there from modiso_init() to
 * modiso_fini().
 */
#ifndef MDI_CORE_FRONT_H
#define MDI_CORE_FRONT_H

#include "backend/backend.h"

struct mdi_front {
	/* May the library start in this process, on this thread? */
	int (*check)(void);
	/* Fill in the entries that traps come by. */
	void (*entries)(struct mdi_entries *entries);

	/* From now on traps come to the library first; not any more. */
	int (*start)(const struct mdi_backend *backend);
	void (*stop)(void);
	/* Who has come in front of it since is behind it again. */
	int (*adopt)(void);
	/* The same of traps alone, which costs less. */
	int (*retake)(void);

	/* Signal stacks of a block that a thread has for the first time. */
	int (*commit)(uint32_t index);
	void (*uncommit)(uint32_t index);
	/* It gets what the backend wants of it by now: protect_altstack(). */
	int (*protect)(uint32_t index);
	/* Traps of the calling thread can be served, in modules too. */
	int (*attach)(struct mdi_thread *thread);
	void (*detach)(struct mdi_thread *thread);
	/*
	 * Before a module is entered by a thread whose mdi_ready is not its
	 * block: it is attached, and its next trap can be served.
	 */
	int (*enter)(struct mdi_thread **out);

	/*
	 * The calling thread has been attached for a while: can its traps still
	 * be served? 0, or a code, with a sentence.
	 */
	int (*check_thread)(void);

	/*
	 * A module's fault is over: what was used up to serve it is there
	 * again. NULL: nothing is.
	 */
	void (*landed)(struct mdi_thread *thread);

	/*
	 * A thread that another one has stopped is to leave its modules, by
	 * mdi_thread_take_out(). NULL: threads are stopped in handlers, at
	 * whose end they do that.
	 */
	int (*take_out)(struct mdi_thread *thread);

	/* On a stack that the system's own answers do not tell of? */
	bool (*is_hidden)(const struct mdi_thread *thread, uintptr_t sp);
};

#define mdi_front_now (mdi_core_state.runtime.front)

#endif /* MDI_CORE_FRONT_H */
