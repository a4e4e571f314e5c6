/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/signal.h - the machine state that a signal handler was handed.
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
 * on in mdi_fault_signal().
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

/* PKRU of the interrupted code; @offset from struct mdi_cpu. NULL: none. */
uint32_t *mdi_context_pkru(ucontext_t *context, uint32_t offset);
void mdi_context_set_pkru(ucontext_t *context, uint32_t offset, uint32_t pkru);

/* Go on in @label with RSP, r10 and clean flags. */
void mdi_context_redirect(ucontext_t *context, const void *label,
			  uintptr_t rsp, uintptr_t r10);

/*
 * No floating-point or vector state to return with: the kernel puts in that of
 * a new process, sooner than it reads one back. PKRU is part of it: only where
 * protection keys are off.
 */
void mdi_context_drop_fpu(ucontext_t *context);

uintptr_t mdi_context_pc(const ucontext_t *context);
void mdi_context_set_pc(ucontext_t *context, const void *pc);
uintptr_t mdi_context_sp(const ucontext_t *context);
/* As WRPKRU wants them; false: they were 0. */
bool mdi_context_clear_rcx_rdx(ucontext_t *context);
/*
 * As if the instruction there, a load of eight bytes into a general register,
 * had found 0. False: it is another one.
 */
bool mdi_context_load_zero(ucontext_t *context);
/* In the order of struct modiso_fault.registers. */
void mdi_context_registers(const ucontext_t *context, uintptr_t out[18]);

/*
 * Is this the CPU's doing, or the kernel's, at this instruction? False: the
 * signal was sent. To be asked once, before the frame is changed. @last: a word
 * of the thread's, 0 at first; or NULL.
 */
bool mdi_context_raised(int signo, const siginfo_t *info, ucontext_t *context,
			uint64_t *last);

/* For page faults: what was tried, as MODISO_READ, _WRITE or _EXEC; else 0. */
uint32_t mdi_context_access(const ucontext_t *context);

#endif /* MDI_ARCH_X86_64_SIGNAL_H */
