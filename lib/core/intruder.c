/* SPDX-License-Identifier: MIT */
#include "core/intruder.h"

#include "arch/arch.h"
#include "core/altstack.h"
#include "core/entries.h"
#include "core/thread.h"
#include "os/linux/actions.h"
#include "os/linux/signal.h"
#include "os/linux/sys.h"

/*
 * How far down the handlers of this signal have called each other by now, who
 * each have got the library's entry from the kernel, on this thread.
 */
static MDI_TLS struct {
	const void *context; /* of the signal */
	unsigned others;
} descent;

void mdi_intruder_look(int signo, void (*entry)(int, siginfo_t *, void *))
{
	descent.context = NULL;
	mdi_action_look(signo, entry);
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
		mdi_fault_signal(signo, info, context, thread);
	else
		mdi_host_signal(signo, info, context, thread);
}

/*
 * One of the entries of signal.S, called by a handler that the kernel has told
 * that it was there before: in the library's stead, if the library has not seen
 * him yet; else he has been called by it, and means what was there before him.
 */
void mdi_intruder_calls(int signo, siginfo_t *info, ucontext_t *context)
{
	struct mdi_sigaction action;
	const void *outer = descent.context;
	unsigned others = outer == context ? descent.others : 0;

	if (signo < 1 || signo >= MDI_SIGNALS ||
	    mdi_sys_sigaction(signo, NULL, &action) != 0)
		return;
	if (!is_entry(action.handler)) {
		call_late(signo, info, context);
	} else if (mdi_action_below(signo, others + 1, &action) &&
		   mdi_action_has_handler(&action)) {
		descent.context = context;
		descent.others = others + 1;
		action.handler(signo, info, context);
		descent.context = outer;
		descent.others = others;
	} else if (mdi_signal_is_fault(signo)) {
		mdi_signal_default(signo, info);
	}
}
