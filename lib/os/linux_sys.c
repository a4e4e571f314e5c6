/* SPDX-License-Identifier: MIT */
#include "os/linux_sys.h"

#include "base/misuse.h"

#include <asm/prctl.h>
#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int mdi_sys_pkey_alloc(bool closed)
{
	return (int)syscall(SYS_pkey_alloc, 0ul,
			    closed ? (unsigned long)PKEY_DISABLE_ACCESS : 0ul);
}

int mdi_sys_pkey_free(int key)
{
	return (int)syscall(SYS_pkey_free, key);
}

int mdi_sys_pkey_mprotect(void *base, size_t length, int prot, int key)
{
	return (int)syscall(SYS_pkey_mprotect, base, length, prot, key);
}

int mdi_sys_memfd_create(const char *name)
{
	return (int)syscall(SYS_memfd_create, name,
			    MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

pid_t mdi_sys_gettid(void)
{
	return (pid_t)syscall(SYS_gettid);
}

uint64_t mdi_sys_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint32_t mdi_sys_threads(void)
{
	struct stat task;
	int saved = errno;
	bool known = stat("/proc/self/task", &task) == 0 && task.st_nlink > 2;

	errno = saved;
	/* A directory's links: its name, its own dot, one for each below. */
	return known ? (uint32_t)task.st_nlink - 2 : 0;
}

bool mdi_sys_thread_lives(pid_t tid)
{
	int saved = errno;
	bool lives = syscall(SYS_tgkill, getpid(), tid, 0) == 0;

	errno = saved;
	return lives;
}

int mdi_sys_getrandom(void *bytes, size_t length)
{
	return syscall(SYS_getrandom, bytes, length, 0) == (long)length ? 0
									: -1;
}

int mdi_sys_arch_get_fs(uintptr_t *base)
{
	return (int)syscall(SYS_arch_prctl, ARCH_GET_FS, base);
}

/* Linux 6.6; headers may be older. */
#ifndef ARCH_SHSTK_STATUS
#	define ARCH_SHSTK_STATUS 0x5005
#	define ARCH_SHSTK_SHSTK  1
#endif

bool mdi_sys_shadow_stack(void)
{
	uint64_t features = 0;
	int saved = errno;
	bool is = syscall(SYS_arch_prctl, ARCH_SHSTK_STATUS, &features) == 0 &&
		  features & ARCH_SHSTK_SHSTK;

	errno = saved;
	return is;
}

int mdi_sys_membarrier_register(void)
{
	return (int)syscall(SYS_membarrier,
			    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
}

int mdi_sys_membarrier(void)
{
	return (int)syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0,
			    0);
}

int mdi_sys_futex_wait(uint32_t *word, uint32_t value, uint64_t timeout_ns)
{
	struct timespec limit = { .tv_sec = timeout_ns / 1000000000u,
				  .tv_nsec = timeout_ns % 1000000000u };

	int saved = errno, result;

	/* That it did not wait is no failure: the caller looks again. */
	result = (int)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value,
			      timeout_ns ? &limit : NULL, NULL, 0);
	errno = saved;
	return result;
}

int mdi_sys_futex_wake(uint32_t *word, int count)
{
	return (int)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL,
			    NULL, 0);
}

void mdi_sys_say(const char *text, size_t length)
{
	long ignored = syscall(SYS_write, STDERR_FILENO, text, length);

	(void)ignored;
}

int mdi_sys_requeue(int signo, const siginfo_t *info)
{
	return (int)syscall(SYS_rt_tgsigqueueinfo, getpid(), mdi_sys_gettid(),
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

void mdi_sys_abort(void)
{
	static const struct mdi_sigaction by_default;
	uint64_t abrt = (uint64_t)1 << (SIGABRT - 1);

	mdi_sys_sigaction(SIGABRT, &by_default, NULL);
	mdi_sys_sigmask(SIG_UNBLOCK, abrt, NULL);
	syscall(SYS_tgkill, getpid(), mdi_sys_gettid(), SIGABRT);
	for (;;)
		syscall(SYS_exit_group, 128 + SIGABRT);
}
