/* SPDX-License-Identifier: MIT */
#include "os/linux/sys.h"

#include "os/process.h"

#include <asm/prctl.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/rseq.h>
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

static int rseq_call(int flags)
{
	char *area = (char *)__builtin_thread_pointer() + __rseq_offset;

	if (__rseq_size == 0) {
		errno = ENOSYS; /* glibc registered none */
		return -1;
	}
	return (int)syscall(SYS_rseq, area, 32, flags, RSEQ_SIG);
}

int mdi_sys_rseq_unregister(void)
{
	return rseq_call(RSEQ_FLAG_UNREGISTER);
}

int mdi_sys_rseq_register(void)
{
	char *area = (char *)__builtin_thread_pointer() + __rseq_offset;

	/* A module may have left a sequence there, with its own address. */
	if (__rseq_size != 0)
		((volatile struct rseq *)(void *)area)->rseq_cs = 0;
	return rseq_call(0);
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
