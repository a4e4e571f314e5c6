/* SPDX-License-Identifier: MIT */
#include "os/linux/sys.h"

#include "os/process.h"

#include <asm/prctl.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int mdi_sys_memfd_create(const char *name)
{
	return (int)syscall(SYS_memfd_create, name,
			    MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

int mdi_sys_arch_get_fs(uintptr_t *base)
{
	return (int)syscall(SYS_arch_prctl, ARCH_GET_FS, base);
}

int mdi_sys_requeue(int signo, const siginfo_t *info)
{
	return (int)syscall(SYS_rt_tgsigqueueinfo, getpid(), mdi_os_thread_id(),
			    signo, info);
}

int mdi_sys_sigaction(int signo, const struct mdi_sigaction *action,
		      struct mdi_sigaction *old)
{
	return (int)syscall(SYS_rt_sigaction, signo, action, old,
			    sizeof(uint64_t));
}

int mdi_sys_sigaltstack(const stack_t *stack, stack_t *old)
{
	return (int)syscall(SYS_sigaltstack, stack, old);
}

int mdi_sys_sigmask(int how, uint64_t set, uint64_t *old)
{
	return (int)syscall(SYS_rt_sigprocmask, how, &set, old, sizeof(set));
}

/*
 * The kernel reads a set of signals with the rights of its caller, and before
 * it asks what is to be done with the set. There is no such thing as -1.
 */
bool mdi_sys_may_read(const uint64_t *word)
{
	int saved = errno;
	bool may = syscall(SYS_rt_sigprocmask, -1, word, NULL,
			   sizeof(*word)) == 0 || errno != EFAULT;

	errno = saved;
	return may;
}
