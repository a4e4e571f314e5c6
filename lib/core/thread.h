/* SPDX-License-Identifier: MIT */
/*
 * core/thread.h - threads that enter modules.
 */
#ifndef MDI_CORE_THREAD_H
#define MDI_CORE_THREAD_H

#include "backend/backend.h"
#include "core/module.h"

/* A thread's stack in a module: of one thread at a time. */
struct mdi_stack {
	struct mdi_stack *next;        /* of the thread, or of the module */
	struct modiso_module *module;
	struct modiso_region *region;
	uintptr_t top; /* 16 aligned */
	/* How many calls into the module it is nested in; or MDI_RANK_*. */
	uint32_t rank;
};

/* No stack but the thread's TLS block: @top is the thread pointer. */
#define MDI_RANK_TLS UINT32_MAX
/* Or its mailbox: core/mailbox.h. */
#define MDI_RANK_MAIL (UINT32_MAX - 1)

/* Address space for @max threads, process-wide hooks. */
int mdi_threads_start(uint32_t max);
void mdi_threads_stop(void);
/* In the child of a fork. */
void mdi_threads_after_fork(void);

/* The calling thread's state, made if need be; the lock is not held. */
int mdi_thread_attach(struct mdi_thread **out);
int mdi_thread_detach(void);

/* A thread by its public handle; NULL: none that is attached. AS-Safe. */
struct mdi_thread *mdi_thread_known(const void *handle);

/* The library's lock is held in the rest. */
bool mdi_threads_overlap(uintptr_t base, uintptr_t end);
/* Is @at in them? As mdi_range_holds(). */
bool mdi_threads_hold(uintptr_t at, uintptr_t *until);

/* From now on modules may be without rights to key 0. 0 or MODISO_ERR_OS. */
int mdi_threads_confine(void);

/* A block for a fiber that no thread runs; and its end, when none runs it. */
int mdi_thread_new_fiber(struct mdi_thread **out);
void mdi_thread_end_fiber(struct mdi_thread *fiber);

/* Is there any fiber; is any thread attached? */
bool mdi_fibers_any(void);
bool mdi_threads_any(void);

/* Is any thread in a call to this module? */
bool mdi_threads_inside(const struct mdi_domain *domain);

/* What services leave in registers is nothing for this module any more. */
void mdi_threads_scrub(const struct mdi_domain *domain);

/* Of a thread that does not run: its next gate call asks C. AS-Safe. */
void mdi_thread_withdraw(const struct mdi_thread *thread);

/* For the backend. */
extern const struct mdi_users mdi_thread_users;

/* This thread's stack for its next call into a module; NULL: no memory. */
int mdi_thread_stack(struct mdi_thread *thread, struct modiso_module *module,
		     struct mdi_stack **out);
/* A thread goes: its stacks are its modules', for the next one. */
void mdi_thread_give_stacks(struct mdi_thread *thread);
/* Those of all threads in one module, in which nobody is; no mailboxes. */
void mdi_threads_give_stacks(struct modiso_module *module);

/* The same where it is there, and the thread is in no gate; else NULL. */
static inline struct mdi_stack *
mdi_thread_ready_stack(const struct mdi_thread *thread,
		       const struct modiso_module *module)
{
	return mdi_frame_top(thread) != NULL ?
		       NULL :
		       *mdi_thread_first_stack(thread,
					       module->domain.head.link);
}

/* A module ends: no thread keeps a stack or a link of it. */
void mdi_threads_forget(struct modiso_module *module);

#endif /* MDI_CORE_THREAD_H */
