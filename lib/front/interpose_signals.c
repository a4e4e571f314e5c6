/* SPDX-License-Identifier: MIT */
/*
 * sigaction() and its kin, for every object of the process that calls them: see
 * modiso/signal.h. Before modiso_init() and after modiso_fini() they do what
 * the C library's do.
 */
#include "core/runtime.h"
#include "front/altstack.h"
#include "front/front.h"
#include "front/handler.h"
#include "front/mask.h"
#include "front/state.h"
#include "os/linux/actions.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* Names of our own where the headers have other ideas of them. */
#define EXPORTED(type, own, name, ...) \
	MODISO_API type own(__VA_ARGS__) __asm__(name)
typedef void handler_fn(int signo);

MODISO_API int sigaction(int signo, const struct sigaction *action,
			 struct sigaction *old);
EXPORTED(int, mdi_sigaction2, "__sigaction", int signo,
	 const struct sigaction *action, struct sigaction *old);
EXPORTED(handler_fn *, mdi_signal, "signal", int signo, handler_fn *handler);
EXPORTED(handler_fn *, mdi_bsd_signal, "bsd_signal", int signo,
	 handler_fn *handler);
EXPORTED(handler_fn *, mdi_ssignal, "ssignal", int signo, handler_fn *handler);
EXPORTED(handler_fn *, mdi_sysv_signal, "sysv_signal", int signo,
	 handler_fn *handler);
EXPORTED(handler_fn *, mdi_sysv_signal2, "__sysv_signal", int signo,
	 handler_fn *handler);
EXPORTED(handler_fn *, mdi_sigset, "sigset", int signo, handler_fn *handler);
EXPORTED(int, mdi_sigignore, "sigignore", int signo);
EXPORTED(int, mdi_siginterrupt, "siginterrupt", int signo, int interrupt);

MODISO_API int sigaltstack(const stack_t *stack, stack_t *old);

static uint64_t *const interrupting = &mdi_front_state.interrupting;

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

	/* 32 and 33 are the C library's own. */
	if (signo < 1 || signo >= MDI_SIGNALS || signo == 32 || signo == 33) {
		errno = EINVAL;
		return -1;
	}
	if (action != NULL)
		wish = to_kernel(action);
	/* A module's is the C library's, and so is what it asks for. */
	if (mdi_backend_called_inside())
		result = mdi_sys_sigaction(signo, action ? &wish : NULL,
					   &before);
	else
		result = mdi_handler_set(signo, action ? &wish : NULL, &before);
	if (result == 0 && old != NULL)
		from_kernel(&before, old);
	return result;
}

int mdi_sigaction2(int signo, const struct sigaction *action,
		   struct sigaction *old)
{
	return sigaction(signo, action, old);
}

int sigaltstack(const stack_t *stack, stack_t *old)
{
	if (!mdi_backend_called_inside())
		return mdi_thread_self() != NULL ?
			       mdi_altstack_ask(stack, old) :
			       mdi_sys_sigaltstack(stack, old);
	/* A module without it would take the process along when it faults. */
	if (stack == NULL)
		return mdi_sys_sigaltstack(NULL, old);
	errno = EPERM;
	return -1;
}

/* --- the older functions --- */

static uint64_t bit(int signo)
{
	return signo >= 1 && signo < MDI_SIGNALS ? mdi_signal_bit(signo) : 0;
}

static handler_fn *set(int signo, handler_fn *handler, int flags, uint64_t mask)
{
	struct sigaction action, old;

	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	action.sa_flags = flags;
	memcpy(&action.sa_mask, &mask, sizeof(mask));
	if (handler == SIG_ERR) {
		errno = EINVAL;
		return SIG_ERR;
	}
	return sigaction(signo, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}

handler_fn *mdi_signal(int signo, handler_fn *handler)
{
	uint64_t not = mdi_backend_called_inside() ?
			       0 :
			       __atomic_load_n(interrupting, __ATOMIC_RELAXED);

	return set(signo, handler, not & bit(signo) ? 0 : SA_RESTART,
		   bit(signo));
}

handler_fn *mdi_bsd_signal(int signo, handler_fn *handler)
{
	return mdi_signal(signo, handler);
}

handler_fn *mdi_ssignal(int signo, handler_fn *handler)
{
	return mdi_signal(signo, handler);
}

/* Once, and not blocked meanwhile. */
handler_fn *mdi_sysv_signal(int signo, handler_fn *handler)
{
	return set(signo, handler, (int)(SA_RESETHAND | SA_NODEFER), 0);
}

handler_fn *mdi_sysv_signal2(int signo, handler_fn *handler)
{
	return mdi_sysv_signal(signo, handler);
}

handler_fn *mdi_sigset(int signo, handler_fn *handler)
{
	const uint64_t which = bit(signo);
	bool hold = handler == SIG_HOLD;
	struct sigaction old;
	handler_fn *was;
	uint64_t mask;

	if (hold)
		was = sigaction(signo, NULL, &old) == 0 ? old.sa_handler :
							  SIG_ERR;
	else
		was = set(signo, handler, 0, 0);
	if (was == SIG_ERR ||
	    mdi_mask_change(hold ? SIG_BLOCK : SIG_UNBLOCK, &which, &mask) !=
		    0)
		return SIG_ERR;
	return mask & which ? SIG_HOLD : was;
}

int mdi_sigignore(int signo)
{
	return set(signo, SIG_IGN, 0, 0) == SIG_ERR ? -1 : 0;
}

static void note_interrupting(int signo, int interrupt)
{
	if (interrupt)
		__atomic_fetch_or(interrupting, bit(signo), __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(interrupting, ~bit(signo), __ATOMIC_RELAXED);
}

int mdi_siginterrupt(int signo, int interrupt)
{
	struct sigaction action;

	if (sigaction(signo, NULL, &action) != 0)
		return -1;
	if (!mdi_backend_called_inside())
		note_interrupting(signo, interrupt);
	if (interrupt)
		action.sa_flags &= ~SA_RESTART;
	else
		action.sa_flags |= SA_RESTART;
	return sigaction(signo, &action, NULL);
}
