/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/signal.h - what the kernel calls, and what only its signals tell
 * of the state that they have saved.
 */
#ifndef MDI_ARCH_X86_64_SIGNAL_H
#define MDI_ARCH_X86_64_SIGNAL_H

#include "base/common.h"

#include <signal.h>
#include <ucontext.h>

struct mdi_thread;

/*
 * What the kernel calls: signal.S. They take host rights and the host's
 * segment bases, find the thread by its alternate stack and thread id, and go
 * on in mdi_front_fault().
 */
void mdi_signal_pkey(int signo, siginfo_t *info, void *context);
void mdi_signal_plain(int signo, siginfo_t *info, void *context);
void mdi_async_pkey(int signo, siginfo_t *info, void *context);
void mdi_async_plain(int signo, siginfo_t *info, void *context);
void mdi_signal_restorer(void);

/* One of the four was called as a function, by code with these rights. */
void mdi_signal_called(int signo, siginfo_t *info, ucontext_t *context,
		       bool keys);

/* The kernel has called one of the four, and the library does not run. */
void mdi_signal_over(int signo, siginfo_t *info);

/* sigaltstack(2) with RSP at @sp, signals blocked. Returns 0 or -errno. */
long mdi_altstack_from(const void *stack, void *old, uintptr_t sp);

/* handler(signo, info, context), with RSP at @sp. */
void mdi_handler_on(int signo, siginfo_t *info, void *context,
		    void (*handler)(int, siginfo_t *, void *), uintptr_t sp);

/* Stands before each of the two, so that another copy of the library sees it */
#define MDI_SIGNAL_MARK "libmodiso-signal"
#define MDI_SIGNAL_MARK_SIZE 16

/*
 * Is this the CPU's doing, or the kernel's, at this instruction? False: the
 * signal was sent. To be asked once, before the frame is changed. @last: a word
 * of the thread's, 0 at first; or NULL.
 */
bool mdi_context_raised(int signo, const siginfo_t *info, ucontext_t *context,
			uint64_t *last);

/* The entries of one backend. */
struct mdi_signal_entries {
	void (*fault)(int, siginfo_t *, void *); /* of the six */
	void (*other)(int, siginfo_t *, void *); /* in front of handlers */
};

#endif /* MDI_ARCH_X86_64_SIGNAL_H */
