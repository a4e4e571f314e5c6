/* SPDX-License-Identifier: MIT */
/* A system call of a guarded module that host code answers: core/policy.h. */
#include "front/handler.h"

#include "core/policy.h"
#include "os/linux/event.h"

#include <signal.h>

static void serve(int signo, siginfo_t *info, void *context)
{
	struct mdi_event event;

	mdi_event_read(&event, signo, info);
	mdi_policy_serve(&event, mdi_context_of(context));
}

/* Other calls of the thread come while it lasts, from nested modules. */
bool mdi_host_serve(int signo, siginfo_t *info, ucontext_t *context,
		    struct mdi_thread *thread)
{
	const struct mdi_sigaction action = {
		.handler = serve,
		.flags = SA_NODEFER,
	};

	return mdi_handler_call(signo, info, context, &action, thread);
}
