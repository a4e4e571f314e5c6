/* SPDX-License-Identifier: MIT */
/*
 * Handlers that have come in behind the library's back, by a system call of
 * their own or by a C library's function that the library does not see:
 * os/linux/actions.h keeps whom they have displaced.
 */
#include "front/intruder.h"

#include "arch/arch.h"
#include "front/altstack.h"
#include "front/event.h"
#include "front/handler.h"
#include "core/thread.h"
#include "os/linux/actions.h"
#include "os/linux/signal.h"
#include "os/linux/sys.h"

#include <errno.h>

/*
 * How far down the handlers of a signal have called each other by now, who each
 * have got the library's entry from the kernel. It is noted in the signal's
 * context, in a word that the kernel sets to NULL and never reads: so it goes
 * with a handler that jumps out.
 */
static const char notes[MDI_BELOW + 2];

static unsigned noted(const ucontext_t *context)
{
	uintptr_t note = (uintptr_t)context->uc_link - (uintptr_t)notes;

	return note < sizeof(notes) ? (unsigned)note : 0;
}

static void note(ucontext_t *context, unsigned others)
{
	context->uc_link = (void *)(uintptr_t)(notes + others);
}

static bool is_entry(void (*handler)(int, siginfo_t *, void *))
{
	return handler == mdi_signal_pkey || handler == mdi_signal_plain ||
	       handler == mdi_async_pkey || handler == mdi_async_plain;
}

/* The kernel has called somebody else first, who has the rights of the host. */
static void call_late(int signo, siginfo_t *info, ucontext_t *context)
{
	struct mdi_thread *thread = mdi_thread_self();

	/* The kernel has one of the library's stacks: the thread is known. */
	if (thread != NULL &&
	    !mdi_altstack_is_ours(thread, (uintptr_t)context->uc_stack.ss_sp))
		thread = NULL;
	if (mdi_signal_is_fault(signo))
		mdi_front_fault(signo, info, context, thread);
	else
		mdi_host_signal(signo, info, context, thread);
}

/*
 * What was asked for before so many others, the first of whom has been called.
 * When the library no longer runs it may never have seen the last of them: then
 * what it knows of was there before him.
 */
static bool find_below(int signo, unsigned others,
		       const struct mdi_sigaction *now,
		       struct mdi_sigaction *action)
{
	if (!mdi_signals_running()) {
		mdi_action_get(signo, action);
		if (action->handler != now->handler && others-- == 1)
			return true;
	}
	return mdi_action_below(signo, others, action);
}

/*
 * One of the entries of signal.S, called by a handler that the kernel has told
 * that it was there before: in the library's stead, if the library has not seen
 * him yet; else he has been called by it, and means what was there before him.
 */
void mdi_intruder_calls(int signo, void *info, void *context)
{
	struct mdi_sigaction now, action;
	unsigned others = noted(context);

	if (signo < 1 || signo >= MDI_SIGNALS ||
	    mdi_sys_sigaction(signo, NULL, &now) != 0)
		return;
	if (!is_entry(now.handler) && mdi_signals_running()) {
		call_late(signo, info, context);
	} else if (find_below(signo, others + 1, &now, &action) &&
		   mdi_action_has_handler(&action)) {
		note(context, others + 1);
		action.handler(signo, info, context);
		note(context, others);
	} else if (mdi_signal_is_fault(signo)) {
		mdi_signal_default(signo, info);
	}
}

/*
 * The kernel has called one of them, which somebody has put in again after
 * modiso_fini(): what he means gets the signal, as soon as this returns.
 */
void mdi_intruder_over(int signo, const void *info)
{
	static const struct mdi_sigaction by_default;
	struct mdi_sigaction action;
	uint64_t mask = mdi_actions_lock();
	int saved = errno;

	if (mdi_sys_sigaction(signo, NULL, &action) == 0 &&
	    is_entry(action.handler)) {
		mdi_action_seen(signo, &action);
		mdi_action_get(signo, &action);
		if (is_entry(action.handler))
			action = by_default;
		mdi_sys_sigaction(signo, &action, NULL);
	}
	mdi_actions_unlock(mask);
	mdi_signal_anyhow(signo, info);
	errno = saved;
}
