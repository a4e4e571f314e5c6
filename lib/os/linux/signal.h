/* SPDX-License-Identifier: MIT */
/*
 * os/linux/signal.h - the six fault signals, their handlers, the alternate
 * stack.
 */
#ifndef MDI_OS_LINUX_SIGNAL_H
#define MDI_OS_LINUX_SIGNAL_H

#include "base/common.h"
#include "os/critical.h"
#include "os/linux/sys.h"

#include <signal.h>
#include <ucontext.h>

/* sigaltstack(2): disarmed while a handler runs on it (Linux 4.7). */
#define MDI_SS_AUTODISARM (1u << 31)
/* The kernel takes none that is smaller, whatever MINSIGSTKSZ is by now. */
#define MDI_ALTSTACK_MIN 2048

/* The signals that faults come as. */
#define MDI_EACH_FAULT_SIGNAL(do) \
	do(SIGSEGV) do(SIGBUS) do(SIGILL) do(SIGFPE) do(SIGTRAP) do(SIGSYS)
#define MDI_FAULT_SIGNALS 6
extern const int mdi_fault_signals[MDI_FAULT_SIGNALS];
/*
 * The one of them that mdi_call_thread() sends: its faults come again when one
 * is lost (SIGSYS and SIGTRAP do not), and modules raise it seldom.
 */
#define MDI_CALL_SIGNAL SIGFPE

bool mdi_signal_is_fault(int signo);

/* Is one of them blocked on the calling thread? 1 or 0; -1: errno says why. */
int mdi_signals_blocked(void);

static inline uint64_t mdi_signal_bit(int signo)
{
	return (uint64_t)1 << (signo - 1);
}

/* The six, in the kernel's form of a set. */
static inline uint64_t mdi_fault_mask(void)
{
#define OR_BIT(signo) | mdi_signal_bit(signo)
	return 0 MDI_EACH_FAULT_SIGNAL(OR_BIT);
#undef OR_BIT
}

/* Block all other signals on the calling thread, and none of these. AS-Safe. */
void mdi_signals_hold(void);

/*
 * Put @handler in for all six and keep what was there; @mask is blocked when it
 * begins. 0 or MODISO_ERR_OS. At the end each signal gets what was asked for,
 * where that or @entry, the one in front of other handlers, is still in. In
 * between the library stands in front, which may be asked under the actions'
 * lock: so nobody changes a handler behind the back of one of the two, nor puts
 * ours in when it is over.
 */
int mdi_signals_start(void (*handler)(int, siginfo_t *, void *),
		      void (*restorer)(void), uint64_t mask);
void mdi_signals_stop(void (*entry)(int, siginfo_t *, void *));
bool mdi_signals_running(void);
/*
 * Somebody may have told the kernel by himself since: put ours in again. Faults
 * that are no module's go to him from now on. 0 or MODISO_ERR_OS.
 */
int mdi_signals_retake(void);

/* Does SIGSEGV have a handler in front of which @mark stands? */
bool mdi_signals_taken(const char *mark, size_t length);

/*
 * sigaction(2) for one of the six: what a signal that is no module's goes to.
 * Ours stays in. The actions' lock is held. AS-Safe.
 */
void mdi_signal_chain(int signo, const struct mdi_sigaction *action,
		      struct mdi_sigaction *old);

/* One of the six has the default action: that, with this siginfo. AS-Safe. */
void mdi_signal_default(int signo, const siginfo_t *info);

/*
 * The mask that a handler of the host's runs with. Faults stay open, but for
 * the signal itself: its own accesses to guarded memory come as such, and
 * modules that it calls may fault. AS-Safe.
 */
void mdi_signal_mask(int signo, const struct mdi_sigaction *action,
		     const ucontext_t *context);

/*
 * In a handler: is the interrupted code critical? Then keep the signal, and
 * block all in @mask, which the return from the handler puts in force.
 */
bool mdi_critical_defer(int signo, const siginfo_t *info, sigset_t *mask);
/* In the child: what is kept was sent to the parent. */
void mdi_critical_after_fork(void);
/* That, and the lock of the actions. */
void mdi_signals_after_fork(void);

/*
 * A signal that has come, for this thread once more, with the siginfo that it
 * came with. When it comes mdi_signal_returned() must see it first. Ends the
 * process if it cannot be sent. All signals but faults are blocked. AS-Safe.
 */
void mdi_signal_again(int signo, const siginfo_t *info);
/*
 * The same for one that none of the library's handlers will see: by other
 * calls, without its siginfo, if the kernel refuses that. AS-Safe.
 */
void mdi_signal_anyhow(int signo, const siginfo_t *info);
/* In a handler: has that come for which the kernel could keep no siginfo? */
void mdi_signal_returned(int signo, siginfo_t *info);

/*
 * The calling thread's alternate stack, disarmed while a handler runs on it.
 * @from makes the system call where the thread runs on its own one now; NULL:
 * MODISO_ERR_STATE then.
 */
int mdi_altstack_set(void *base, size_t size, void **old_base,
		     size_t *old_size, uint32_t *old_flags,
		     long (*from)(const void *stack, void *old, uintptr_t sp));
/* The same without the question what was there. AS-Safe. */
void mdi_altstack_arm(void *base, size_t size);
void mdi_altstack_restore(void *base, size_t size, uint32_t flags);

/* What mdi_call_thread() of os/ticker.h tells a thread by. */
void mdi_call_write(siginfo_t *info);
/*
 * Was it sent by that? @sent: one is on its way to this thread. Where the
 * process has too many signals queued the kernel sends it without a word of who
 * it was. AS-Safe.
 */
bool mdi_is_call(int signo, const siginfo_t *info, bool sent);

/* Has mdi_os_poke() sent that? AS-Safe. */
bool mdi_signal_is_poke(int signo, const siginfo_t *info);

#endif /* MDI_OS_LINUX_SIGNAL_H */
