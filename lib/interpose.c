/* SPDX-License-Identifier: MIT */
/*
 * sigaction() and signal() for the program that links the library: see
 * modiso/signal.h. Before modiso_init() and after modiso_fini() they are the C
 * library's own.
 */
#include "core/handler.h"
#include "core/runtime.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* The C library's own sigaction(), by the name that nobody interposes. */
extern int __sigaction(int signo, const struct sigaction *action,
		       struct sigaction *old);

MODISO_API int sigaction(int signo, const struct sigaction *action,
			 struct sigaction *old);
MODISO_API __sighandler_t signal(int signo, __sighandler_t handler);

void mdi_interpose(void)
{
}

static struct mdi_sigaction to_kernel(const struct sigaction *action)
{
	struct mdi_sigaction kernel = {
		.handler = action->sa_sigaction,
		.flags = (unsigned long)(unsigned)action->sa_flags |
			 MDI_SA_RESTORER,
		.restorer = mdi_signal_restorer,
	};

	memcpy(&kernel.mask, &action->sa_mask, sizeof(kernel.mask));
	return kernel;
}

static void from_kernel(const struct mdi_sigaction *kernel,
			struct sigaction *action)
{
	memset(action, 0, sizeof(*action));
	action->sa_sigaction = kernel->handler;
	action->sa_flags = (int)(kernel->flags & ~MDI_SA_RESTORER);
	memcpy(&action->sa_mask, &kernel->mask, sizeof(kernel->mask));
}

int sigaction(int signo, const struct sigaction *action, struct sigaction *old)
{
	struct mdi_sigaction wish, before;
	int result;

	/* 32 and 33 are the C library's own: it says EINVAL */
	if (mdi_backend_now == NULL || mdi_backend_now->inside() ||
	    signo < 1 || signo > 64 || signo == 32 || signo == 33)
		return __sigaction(signo, action, old);
	if (action != NULL)
		wish = to_kernel(action);
	result = mdi_handler_set(signo, action ? &wish : NULL, &before);
	if (result == 0 && old != NULL)
		from_kernel(&before, old);
	return result;
}

__sighandler_t signal(int signo, __sighandler_t handler)
{
	struct sigaction action, old;

	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	action.sa_flags = SA_RESTART;
	return sigaction(signo, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}
