/* SPDX-License-Identifier: MIT */
/*
 * core/limit.h - how long a call into a module may last.
 *
 * Nothing of it is in a gate. A thread of the library's ticks, and looks where
 * the others are. What it must know is whether a thread that it finds inside of
 * a module is in the same call as at the last tick. Calls that begin in C say
 * so (entries), and the ticking thread makes those begin there that it asks
 * about: it withdraws the link, as an eviction does (DESIGN, 4).
 *
 * That it may do at any time, and so the thread may be on its way through a
 * service with the old link, which it puts back. So a call that was seen twice
 * is only suspected. Then the thread is called by a signal, and in the module's
 * own code, where no gate has a copy of the link, it makes the call known: with
 * a number, and with its links of this module withdrawn for good. From then on
 * each further call into the module comes by C, where all known calls are
 * forgotten that had this frame or a higher one. So nobody is blamed for the
 * time of a call before.
 *
 * Then the time of the known call is counted, by the ticks that find it in the
 * module's own code. When it is used up the thread is called again. If it is in
 * the module's own code there, and in the known call, it lands; else the next
 * tick calls it again. A handler of a fault that the module goes on behind
 * counts as its own code, and has it land at the handler's end.
 */
#ifndef MDI_CORE_LIMIT_H
#define MDI_CORE_LIMIT_H

#include "core/fault.h"
#include "core/module.h"

/* What the ticking thread wants of another one; else a call's number. */
#define MDI_LIMIT_NOTHING 0u
#define MDI_LIMIT_KNOW    1u /* make the innermost call known */
#define MDI_LIMIT_FIRST   2u /* the first number */

/*
 * A module with a limit comes, and goes. The library's lock is held. 0,
 * MODISO_ERR_NOMEM or MODISO_ERR_OS: no thread can be had that ticks.
 */
int mdi_limit_add(const struct modiso_module *module);
void mdi_limit_remove(const struct modiso_module *module);

/* The library ends: nobody ticks when this returns. */
void mdi_limits_stop(void);
/* In the child of a fork nobody does, until the first call into a module. */
void mdi_limits_after_fork(void);
/* A thread that is attached, or a fiber. */
void mdi_limit_attached(struct mdi_thread *thread);
/* How many threads of the process are the ticking one. */
uint32_t mdi_limit_threads(void);

/*
 * A call begins in C, in the free frame. It comes to nothing where it returns a
 * code: nobody ticks, and nobody can be made to.
 */
int mdi_limit_entered_seldom(struct mdi_thread *thread);

static inline int mdi_limit_entered(struct mdi_thread *thread)
{
	struct mdi_limit *limit = &thread->limit;

	__atomic_store_n(&limit->entries, limit->entries + 1,
			 __ATOMIC_RELAXED);
	return (limit->known | limit->starts) == 0 ?
		       0 :
		       mdi_limit_entered_seldom(thread);
}

/* Are any of this thread's calls known? Their links are not to be put back. */
static inline bool mdi_limit_knows(const struct mdi_thread *thread)
{
	return (thread->limit.known | thread->limit.starts) != 0;
}

/* Is a call of mdi_call_thread() on its way to this thread? AS-Safe. */
static inline bool mdi_limit_sent(const struct mdi_thread *thread)
{
	return __atomic_load_n(&thread->limit.sent, __ATOMIC_RELAXED) != 0;
}

/*
 * In the handler of mdi_call_thread(), on the thread that it has called.
 * AS-Safe.
 */
enum mdi_outcome mdi_limit_called(struct mdi_thread *thread,
				  struct mdi_context *context);

/*
 * At the end of a fault's handler, where the interrupted code goes on: a call
 * that came in the handler is answered there. AS-Safe.
 */
enum mdi_outcome mdi_limit_goes_on(struct mdi_thread *thread,
				   struct mdi_context *context);

static inline bool mdi_limit_wants(const struct mdi_thread *thread)
{
	return __atomic_load_n(&thread->limit.wants, __ATOMIC_RELAXED) !=
	       MDI_LIMIT_NOTHING;
}

/* The sentence for a call that has landed. */
void mdi_limit_text(const struct modiso_fault *fault, char *text, size_t size);

/* For tests: have @thread called, for its innermost call. */
void mdi_limit_want(struct mdi_thread *thread, uint32_t wants);

#endif /* MDI_CORE_LIMIT_H */
