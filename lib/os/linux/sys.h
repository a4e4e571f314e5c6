/* SPDX-License-Identifier: MIT */
/*
 * os/linux/sys.h - raw system calls, no policy.
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

int mdi_sys_memfd_create(const char *name);
int mdi_sys_arch_get_fs(uintptr_t *base);

/* A signal to the calling thread, with the siginfo that it once came with. */
int mdi_sys_requeue(int signo, const siginfo_t *info);

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
/* The C library's may be the program's view of it: front/altstack.h. */
int mdi_sys_sigaltstack(const stack_t *stack, stack_t *old);
/* @how as for sigprocmask(2), on the kernel's 64-bit set; @old may be NULL. */
int mdi_sys_sigmask(int how, uint64_t set, uint64_t *old);
/* Has the calling code the right to read these? Keeps errno. AS-Safe. */
bool mdi_sys_may_read(const uint64_t *word);

#endif /* MDI_OS_LINUX_SYS_H */
