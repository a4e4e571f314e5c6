/* SPDX-License-Identifier: MIT */
/*
 * os/linux_sys.h - raw system calls, no policy.
 *
 * Those that glibc wraps in a way that does not fit (sanitizers intercept its
 * sigaction, musl has no pkey functions), and those that it does not wrap.
 * Every function returns as the C library's would: -1 and errno on failure.
 */
#ifndef MDI_OS_LINUX_SYS_H
#define MDI_OS_LINUX_SYS_H

#include "base/common.h"

#include <signal.h>
#include <sys/types.h>

/* @closed: without rights for the calling thread, else with all. */
int mdi_sys_pkey_alloc(bool closed);
int mdi_sys_pkey_free(int key);
int mdi_sys_pkey_mprotect(void *base, size_t length, int prot, int key);
int mdi_sys_memfd_create(const char *name);
pid_t mdi_sys_gettid(void);
uint64_t mdi_sys_now_ns(void); /* CLOCK_MONOTONIC. AS-Safe */
/* How many threads the process has; 0: it cannot be told. Keeps errno. */
uint32_t mdi_sys_threads(void);
/* Is this surely a thread of the process? Keeps errno. */
bool mdi_sys_thread_lives(pid_t tid);
/* 0 when all of the bytes are random, else -1. */
int mdi_sys_getrandom(void *bytes, size_t length);
int mdi_sys_arch_get_fs(uintptr_t *base);

/* Does the calling thread have a user shadow stack? */
bool mdi_sys_shadow_stack(void);

int mdi_sys_membarrier_register(void);
int mdi_sys_membarrier(void);

/* Wait while *word is @value; @timeout_ns 0 waits for ever. Keeps errno. */
int mdi_sys_futex_wait(uint32_t *word, uint32_t value, uint64_t timeout_ns);
int mdi_sys_futex_wake(uint32_t *word, int count);

/* On standard error; no cancellation point. Nobody is told when it fails. */
void mdi_sys_say(const char *text, size_t length);

/* abort(3) without the library's data, and without the program's handler. */
MDI_NORETURN void mdi_sys_abort(void);

/* A signal to the calling thread, with the siginfo that it once came with. */
int mdi_sys_requeue(int signo, const siginfo_t *info);

/* The restartable-sequences area that glibc registered for this thread. */
int mdi_sys_rseq_unregister(void);
int mdi_sys_rseq_register(void);

/* The kernel's own form of a signal action. */
struct mdi_sigaction {
	void (*handler)(int, siginfo_t *, void *);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};
#define MDI_SA_RESTORER 0x04000000ul

int mdi_sys_sigaction(int signo, const struct mdi_sigaction *action,
		      struct mdi_sigaction *old);
/* The C library's may be the program's view of it: core/altstack.h. */
int mdi_sys_sigaltstack(const stack_t *stack, stack_t *old);
/* @how as for sigprocmask(2), on the kernel's 64-bit set; @old may be NULL. */
int mdi_sys_sigmask(int how, uint64_t set, uint64_t *old);

#endif /* MDI_OS_LINUX_SYS_H */
