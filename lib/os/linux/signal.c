/* SPDX-License-Identifier: MIT */
#include "os/linux/signal.h"

#include "base/error.h"
#include "os/linux/actions.h"
#include "os/linux/state.h"
#include "os/linux/sys.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define ELEMENT(signo) signo,
const int mdi_fault_signals[MDI_FAULT_SIGNALS] = {
	MDI_EACH_FAULT_SIGNAL(ELEMENT)
};
#undef ELEMENT

static struct mdi_signal_state *const own = &mdi_os_state.signal;

bool mdi_signal_is_fault(int signo)
{
	return signo >= 1 && signo < MDI_SIGNALS &&
	       mdi_fault_mask() & mdi_signal_bit(signo);
}

int mdi_signals_blocked(void)
{
	uint64_t mask;

	if (mdi_sys_sigmask(SIG_BLOCK, 0, &mask) != 0)
		return -1;
	return (mask & mdi_fault_mask()) != 0;
}

bool mdi_signals_taken(const char *mark, size_t length)
{
	struct mdi_sigaction now;

	if (mdi_sys_sigaction(SIGSEGV, NULL, &now) != 0 ||
	    (uintptr_t)now.handler <= (uintptr_t)SIG_IGN)
		return false;
	return memcmp((const char *)(uintptr_t)now.handler - length, mark,
		      length) == 0;
}

/* The lock of the actions is held. */
static int put_ours(int signo)
{
	struct mdi_sigaction action = {
		.handler = own->ours,
		.flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER |
			 MDI_SA_RESTORER | mdi_action_tag(signo) |
			 /* Host code that a call meets has its system call. */
			 (signo == MDI_CALL_SIGNAL ? SA_RESTART : 0),
		.restorer = own->restorer,
		.mask = own->mask,
	};

	return mdi_sys_sigaction(signo, &action, NULL);
}

/* The lock is held. @again: ours was there, and somebody went round it. */
static int take(int signo, bool again)
{
	struct mdi_sigaction now;

	if (mdi_sys_sigaction(signo, NULL, &now) != 0)
		return -1;
	if (now.handler == own->ours) {
		mdi_action_seen(signo, &now);
		return 0;
	}
	mdi_action_came(signo, &now, again);
	return put_ours(signo);
}

int mdi_signals_start(void (*handler)(int, siginfo_t *, void *),
		      void (*restorer)(void), uint64_t first_mask)
{
	uint64_t mask = mdi_actions_lock();
	int installed = 0;

	own->ours = handler;
	own->restorer = restorer;
	own->mask = first_mask;
	mdi_actions_reset();
	while (installed < MDI_FAULT_SIGNALS &&
	       take(mdi_fault_signals[installed], false) == 0)
		installed++;
	mdi_actions_unlock(mask);
	if (installed == MDI_FAULT_SIGNALS)
		return 0;
	mdi_signals_stop(handler);
	return mdi_fail_os("rt_sigaction", "a fault handler");
}

static bool has_ours(int signo)
{
	struct mdi_sigaction now;

	return mdi_sys_sigaction(signo, NULL, &now) == 0 &&
	       now.handler == own->ours;
}

int mdi_signals_retake(void)
{
	int result = 0, i = 0;
	uint64_t mask;

	while (i < MDI_FAULT_SIGNALS && has_ours(mdi_fault_signals[i]))
		i++;
	if (i == MDI_FAULT_SIGNALS)
		return 0;
	mask = mdi_actions_lock();
	for (i = 0; mdi_signals_running() && i < MDI_FAULT_SIGNALS; i++)
		result |= take(mdi_fault_signals[i], true);
	mdi_actions_unlock(mask);
	return result == 0 ? 0 :
			     mdi_fail_os("rt_sigaction",
					 "a fault signal that another handler "
					 "has taken");
}

bool mdi_signals_running(void)
{
	return own->ours != NULL;
}

void mdi_signals_stop(void (*entry)(int, siginfo_t *, void *))
{
	struct mdi_sigaction now, asked;
	uint64_t mask = mdi_actions_lock();
	int saved = errno;

	for (int signo = 1; signo < MDI_SIGNALS; signo++) {
		if (mdi_sys_sigaction(signo, NULL, &now) != 0 ||
		    (now.handler != own->ours && now.handler != entry))
			continue;
		mdi_action_get(signo, &asked);
		mdi_sys_sigaction(signo, &asked, NULL);
	}
	own->ours = NULL;
	mdi_actions_unlock(mask);
	errno = saved;
}

void mdi_signal_chain(int signo, const struct mdi_sigaction *action,
		      struct mdi_sigaction *old)
{
	mdi_action_get(signo, old);
	if (action == NULL)
		return;
	/* Somebody got ours from the kernel, and puts it back. */
	if (action->handler == own->ours) {
		mdi_action_seen(signo, action);
		put_ours(signo);
	} else {
		mdi_action_put(signo, action);
	}
}

void mdi_signal_default(int signo, const siginfo_t *info)
{
	struct mdi_sigaction action;

	memset(&action, 0, sizeof(action)); /* SIG_DFL */
	mdi_sys_sigaction(signo, &action, NULL);
	/* Delivered at the return from the handler, where it interrupted. */
	mdi_signal_anyhow(signo, info);
}

void mdi_signal_mask(int signo, const struct mdi_sigaction *action,
		     const ucontext_t *context)
{
	uint64_t mask;

	memcpy(&mask, &context->uc_sigmask, sizeof(mask));
	mask |= action->mask & ~mdi_fault_mask();
	if (!(action->flags & SA_NODEFER))
		mask |= mdi_signal_bit(signo);
	mdi_sys_sigmask(SIG_SETMASK, mask, NULL);
}

void mdi_signals_after_fork(void)
{
	mdi_actions_after_fork();
	mdi_critical_after_fork();
}

void mdi_signals_hold(void)
{
	mdi_sys_sigmask(SIG_SETMASK, ~mdi_fault_mask(), NULL);
}

#define ALTSTACK_COMES_BACK                                                    \
	"this thread is in a signal handler on an alternate stack that comes " \
	"back when the handler returns; call modiso_thread_attach() before, "  \
	"or install the handler by sigaction()"

static bool on_altstack(void)
{
	stack_t now;

	return mdi_sys_sigaltstack(NULL, &now) == 0 &&
	       now.ss_flags & SS_ONSTACK;
}

/* Returns an errno, or 0. */
static int set_from(const stack_t *stack, stack_t *old,
		    long (*from)(const void *stack, void *old, uintptr_t sp))
{
	uint64_t mask;
	long result;

	mdi_sys_sigmask(SIG_SETMASK, ~(uint64_t)0, &mask);
	result = from(stack, old, (uintptr_t)stack->ss_sp + stack->ss_size);
	mdi_sys_sigmask(SIG_SETMASK, mask, NULL);
	return (int)-result;
}

int mdi_altstack_set(void *base, size_t size, void **old_base,
		     size_t *old_size, uint32_t *old_flags,
		     long (*from)(const void *stack, void *old, uintptr_t sp))
{
	stack_t stack = { .ss_sp = base,
			  .ss_size = size,
			  .ss_flags = (int)MDI_SS_AUTODISARM },
		old;
	int error = mdi_sys_sigaltstack(&stack, &old) != 0 ? errno : 0;

	if (error == EPERM && on_altstack()) {
		if (from == NULL)
			return mdi_fail(MODISO_ERR_STATE, ALTSTACK_COMES_BACK);
		error = set_from(&stack, &old, from);
	}
	if (error != 0) {
		errno = error;
		return mdi_fail_os("sigaltstack",
				   "a thread that enters modules");
	}
	*old_base = old.ss_sp;
	*old_size = old.ss_size;
	*old_flags = (uint32_t)old.ss_flags;
	return 0;
}

void mdi_altstack_arm(void *base, size_t size)
{
	mdi_altstack_restore(base, size, MDI_SS_AUTODISARM);
}

void mdi_altstack_restore(void *base, size_t size, uint32_t flags)
{
	stack_t stack = { .ss_sp = base,
			  .ss_size = size,
			  .ss_flags = (int)(flags & ~(uint32_t)SS_ONSTACK) };
	int saved = errno;

	mdi_sys_sigaltstack(&stack, NULL);
	errno = saved;
}
