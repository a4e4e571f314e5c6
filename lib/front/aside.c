/* SPDX-License-Identifier: MIT */
/*
 * A thread that is in a module stands aside for another one, which host code
 * runs on: as if a handler of the host had come, which does nothing but wait.
 */
#include "front/handler.h"

#include "core/permit.h"
#include "core/thread.h"
#include "front/altstack.h"
#include "os/critical.h"
#include "os/linux/signal.h"
#include "os/linux/sys.h"

#include <errno.h>

static void stand_aside(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	(void)context;
	mdi_backend_stand_aside(mdi_thread_self());
}

/* It is in a module, and in the middle of nothing else. */
bool mdi_may_stand_aside(const struct mdi_thread *thread, ucontext_t *context)
{
	return thread != NULL && !mdi_critical_now() &&
	       !thread->in_handler && mdi_thread_inside(thread) &&
	       !mdi_step_interrupted(mdi_context_of(context)) &&
	       !mdi_altstack_holds(thread, mdi_interrupted_sp(context));
}

bool mdi_host_poke(siginfo_t *info, ucontext_t *context,
		   struct mdi_thread *thread)
{
	/* Stays on the library's stack; other handlers may come meanwhile. */
	const struct mdi_sigaction action = {
		.handler = stand_aside,
		.flags = SA_NODEFER,
	};
	int saved = errno;
	bool goes_on = true;

	if (mdi_may_stand_aside(thread, context))
		goes_on = mdi_handler_call(info->si_signo, info, context,
					   &action, thread);
	errno = saved;
	return goes_on;
}
