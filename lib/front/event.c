/* SPDX-License-Identifier: MIT */
#include "front/event.h"

#include "core/fault.h"
#include "core/guard.h"
#include "core/limit.h"
#include "core/thread.h"
#include "core/unmark.h"
#include "front/altstack.h"
#include "front/handler.h"
#include "os/linux/event.h"
#include "os/ticker.h"
#include "os/linux/signal.h"

#include <errno.h>

/*
 * Whether it is to be believed is what the machine's state says of it, so
 * nothing of that is changed before.
 */
static void read_event(struct mdi_event *event, int signo,
		       const siginfo_t *info, ucontext_t *context,
		       struct mdi_thread *thread)
{
	mdi_event_read(event, signo, info);
	event->raised = mdi_context_raised(signo, info, context,
					   thread ? &thread->last_trap : NULL);
}

static bool handle(int signo, siginfo_t *info, ucontext_t *context,
		   struct mdi_thread *thread)
{
	struct mdi_event event;
	enum mdi_outcome outcome;
	int saved = errno;

	read_event(&event, signo, info, context, thread);
	/* Else mdi_resume() is interrupted, and not what has faulted. */
	if (!event.raised)
		mdi_guard_settle(thread, mdi_context_of(context));
	if (mdi_is_call(signo, info,
			thread != NULL && mdi_limit_sent(thread))) {
		outcome = thread != NULL ?
				  mdi_limit_called(thread,
						   mdi_context_of(context)) :
				  MDI_GOES_ON;
		errno = saved;
		return thread != NULL && outcome == MDI_GOES_ON;
	}
	outcome = mdi_fault_event(&event, mdi_context_of(context), thread);
	if (outcome == MDI_SERVED)
		outcome = mdi_host_serve(signo, info, context, thread) ?
				  MDI_GOES_ON :
				  MDI_ELSEWHERE;
	if (outcome == MDI_PASSED_ON)
		outcome = mdi_host_fault(signo, info, context, thread) ?
				  MDI_GOES_ON :
				  MDI_ELSEWHERE;
	/* While it takes a step it comes to an end first: core/permit.h. */
	if (outcome == MDI_GOES_ON && thread != NULL &&
	    mdi_limit_wants(thread) &&
	    !mdi_context_steps(mdi_context_of(context)))
		outcome = mdi_limit_goes_on(thread, mdi_context_of(context));
	errno = saved;
	return outcome == MDI_GOES_ON;
}

static uintptr_t fault(int signo, siginfo_t *info, ucontext_t *context,
		       struct mdi_thread *thread)
{
	bool poke = mdi_signal_is_poke(signo, info), strayed, result;
	uint32_t lifted;
	uintptr_t way;

	/* One in the handler of another would fill the stack with them. */
	if (poke && !mdi_may_stand_aside(thread, context))
		return thread != NULL ?
			       mdi_guard_way(thread, mdi_context_of(context)) :
			       MDI_WAY_OTHER;
	lifted = mdi_backend_lift(); /* before anything else */

	/* A handler that was left by a jump has had its frames here. */
	mdi_unmark_below((uintptr_t)__builtin_frame_address(0));
	strayed = false;
	if (thread == NULL)
		thread = mdi_altstack_thread(context, &strayed);
	/* There are rights to this stack, and faults and calls may come. */
	if (mdi_entry_mask() != ~mdi_fault_mask())
		mdi_signals_hold();
	if (poke)
		result = mdi_host_poke(info, context, thread);
	else
		result = handle(signo, info, context, thread);
	if (strayed)
		mdi_altstack_back(thread, context);
	way = result && thread != NULL ?
		      mdi_guard_way(thread, mdi_context_of(context)) :
		      MDI_WAY_OTHER;
	if (result)
		mdi_backend_lower(lifted);
	return way;
}

uintptr_t mdi_front_fault(int signo, void *info, void *context,
			  struct mdi_thread *thread)
{
	return fault(signo, info, context, thread);
}
