/* SPDX-License-Identifier: MIT */
#include "os/critical.h"

#include "os/linux/signal.h"
#include "os/linux/sys.h"

#include <errno.h>
#include <string.h>

MDI_TLS struct mdi_critical mdi_critical;

/* Of the signal that is kept. */
static MDI_TLS struct {
	siginfo_t info;
	uint64_t mask;
} deferred;
/* What this thread sleeps on, or is about to: changes when a signal is kept. */
static MDI_TLS uint32_t *volatile waits_on;

void mdi_critical_deliver(void)
{
	int signo = mdi_critical.signo, saved = errno;

	if (mdi_critical.depth != 0 || mdi_critical.brief != 0)
		return;
	mdi_critical.signo = 0;
	/* Pending first, then unblocked: it comes at once, others after it. */
	mdi_signal_again(signo, &deferred.info);
	mdi_sys_sigmask(SIG_SETMASK, deferred.mask, NULL);
	errno = saved;
}

void mdi_critical_waits(uint32_t *word)
{
	waits_on = word;
}

bool mdi_critical_waiting(void)
{
	return waits_on != NULL;
}

bool mdi_critical_pending(void)
{
	return mdi_critical.signo != 0;
}

void mdi_critical_pause(void)
{
	uint32_t depth = mdi_critical.depth, brief = mdi_critical.brief;

	mdi_critical.brief = 0;
	mdi_critical.depth = 1;
	mdi_critical_end();
	mdi_critical.depth = depth;
	mdi_critical.brief = brief;
}

bool mdi_critical_defer(int signo, const siginfo_t *info, sigset_t *mask)
{
	uint64_t all = ~mdi_fault_mask();

	if (mdi_critical.depth == 0 && mdi_critical.brief == 0)
		return false;
	/*
	 * Another signal can have come since this one did, and be kept already:
	 * then this one is the second to be kept, in the kernel. The mask to go
	 * back to is always that of the outer one.
	 */
	mdi_signals_hold();
	if (mdi_critical.signo == 0) {
		deferred.info = *info;
		mdi_critical.signo = signo;
	} else {
		mdi_signal_again(signo, info);
	}
	memcpy(&deferred.mask, mask, sizeof(deferred.mask));
	memcpy(mask, &all, sizeof(all));
	if (waits_on != NULL)
		__atomic_fetch_add(waits_on, MDI_CRITICAL_STEP,
				   __ATOMIC_RELAXED);
	return true;
}

void mdi_critical_after_fork(void)
{
	if (mdi_critical.signo == 0)
		return;
	mdi_critical.signo = 0;
	mdi_sys_sigmask(SIG_SETMASK, deferred.mask, NULL);
}

uint64_t mdi_handlers_hold(void)
{
	uint64_t mask = 0;

	mdi_sys_sigmask(SIG_BLOCK, ~mdi_fault_mask(), &mask);
	return mask;
}

void mdi_handlers_release(uint64_t mask)
{
	int saved = errno;

	mdi_sys_sigmask(SIG_SETMASK, mask, NULL);
	errno = saved;
}

void mdi_signals_shut(void)
{
	mdi_sys_sigmask(SIG_SETMASK, ~(uint64_t)0, NULL);
}
