/* SPDX-License-Identifier: MIT */
/*
 * os/linux/critical.h - signals are kept away: os/critical.h.
 */
#ifndef MDI_OS_LINUX_CRITICAL_H
#define MDI_OS_LINUX_CRITICAL_H

#include "base/common.h"

/*
 * Between begin and end, which nest, no handler of the host runs on this
 * thread: it would find a lock held by the very thread that it interrupted. A
 * signal that comes is kept by mdi_critical_defer(), all others are blocked,
 * and the end brings them. No system call unless a signal came. AS-Safe.
 */
struct mdi_critical {
	volatile uint32_t depth;
	volatile int signo; /* kept; 0: none */
	volatile uint32_t brief;
};
extern MDI_TLS struct mdi_critical mdi_critical;

/* What is kept comes now, if nothing keeps it any more. */
void mdi_critical_deliver(void);

/* Is the calling thread in such a section, of the kind that nests? */
static inline bool mdi_critical_now(void)
{
	return mdi_critical.depth != 0;
}

/*
 * Of another thread, by its mdi_self(). One that is frozen in a handler is not:
 * the signal was kept until the end.
 */
static inline bool mdi_critical_of(uint64_t self, int tid)
{
	(void)self;
	(void)tid;
	return false;
}

static inline void mdi_critical_begin(void)
{
	mdi_critical.depth++;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static inline void mdi_critical_end(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (--mdi_critical.depth == 0 && mdi_critical.signo != 0)
		mdi_critical_deliver();
}

/*
 * The same for a few instructions, and for that in few: this kind does not nest
 * in itself. The other kind may begin and end in it.
 */
static inline void mdi_critical_brief_begin(void)
{
	mdi_critical.brief = 1;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* The end. True: a signal was kept, and the caller has it delivered. */
static inline bool mdi_critical_brief_leave(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	mdi_critical.brief = 0;
	return mdi_critical.signo != 0;
}

/*
 * While critical code sleeps on the futex @word: a signal that is kept adds to
 * it, so that the sleep ends or does not begin. NULL: no longer.
 */
#define MDI_CRITICAL_STEP 2u
void mdi_critical_waits(uint32_t *word);
/* Does it, beneath a handler that was not kept? */
bool mdi_critical_waiting(void);
/* Is a signal kept? Then pause lets its handler run, here and now. */
bool mdi_critical_pending(void);
void mdi_critical_pause(void);

/*
 * The same by the system: all handlers of the host stay away, those too that
 * the library does not stand in front of. Costs a system call each. The hold
 * returns what the release wants, which keeps errno.
 */
uint64_t mdi_handlers_hold(void);
void mdi_handlers_release(uint64_t mask);

/* No signal at all comes before the handler's return. AS-Safe. */
void mdi_signals_shut(void);

#endif /* MDI_OS_LINUX_CRITICAL_H */
