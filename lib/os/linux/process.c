/* SPDX-License-Identifier: MIT */
#include "os/process.h"

#include "os/linux/signal.h"
#include "os/linux/sys.h"

#include <asm/prctl.h>
#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int32_t mdi_os_thread_id(void)
{
	return (int32_t)syscall(SYS_gettid);
}

int32_t mdi_os_process_id(void)
{
	return getpid();
}

uint64_t mdi_os_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint32_t mdi_os_threads(void)
{
	struct stat task;
	int saved = errno;
	bool known = stat("/proc/self/task", &task) == 0 && task.st_nlink > 2;

	errno = saved;
	/* A directory's links: its name, its own dot, one for each below. */
	return known ? (uint32_t)task.st_nlink - 2 : 0;
}

bool mdi_os_thread_lives(int32_t tid)
{
	int saved = errno;
	bool lives = syscall(SYS_tgkill, getpid(), tid, 0) == 0;

	errno = saved;
	return lives;
}

int mdi_os_random(void *bytes, size_t length)
{
	return syscall(SYS_getrandom, bytes, length, 0) == (long)length ? 0
									: -1;
}

/* Linux 6.6; headers may be older. */
#ifndef ARCH_SHSTK_STATUS
#	define ARCH_SHSTK_STATUS 0x5005
#	define ARCH_SHSTK_SHSTK  1
#endif

const char *mdi_os_forbids(void)
{
	uint64_t features = 0;
	int saved = errno;
	bool is = syscall(SYS_arch_prctl, ARCH_SHSTK_STATUS, &features) == 0 &&
		  features & ARCH_SHSTK_SHSTK;

	errno = saved;
	return is ? "this program runs with a user shadow stack, which a gate "
		    "cannot switch; start it without "
		    "(GLIBC_TUNABLES=glibc.cpu.x86_shstk=off)" :
		    NULL;
}

int mdi_os_barrier_register(void)
{
	return (int)syscall(SYS_membarrier,
			    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
}

int mdi_os_barrier(void)
{
	return (int)syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0,
			    0);
}

int mdi_os_wait(uint32_t *word, uint32_t value, uint64_t timeout_ns)
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

int mdi_os_wake(uint32_t *word, int count)
{
	return (int)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL,
			    NULL, 0);
}

void mdi_os_say(const char *text, size_t length)
{
	long ignored = syscall(SYS_write, STDERR_FILENO, text, length);

	(void)ignored;
}

void mdi_os_abort(void)
{
	static const struct mdi_sigaction by_default;
	uint64_t abrt = mdi_signal_bit(SIGABRT);

	mdi_sys_sigaction(SIGABRT, &by_default, NULL);
	mdi_sys_sigmask(SIG_UNBLOCK, abrt, NULL);
	syscall(SYS_tgkill, getpid(), mdi_os_thread_id(), SIGABRT);
	for (;;)
		syscall(SYS_exit_group, 128 + SIGABRT);
}

void mdi_os_kill(void)
{
	for (;;)
		syscall(SYS_kill, getpid(), SIGKILL);
}

/*
 * The kernel does not set FS (seccomp): module code would run on the host's
 * thread-local variables, or the host's on the module's. FS is anybody's, so
 * nothing here may use it, as errno does.
 */
__attribute__((noreturn)) void mdi_os_pointer_refused(void);
void mdi_os_pointer_refused(void)
{
	static const char text[] =
		"libmodiso: arch_prctl(ARCH_SET_FS) is refused, by which "
		"modules with thread-local storage are entered and left\n";
	long ignored = SYS_write;

	__asm__ volatile("syscall"
			 : "+a"(ignored)
			 : "D"(STDERR_FILENO), "S"(text),
			   "d"(sizeof(text) - 1)
			 : "rcx", "r11", "memory");
	for (;;)
		__asm__ volatile("syscall"
				 :
				 : "a"(SYS_exit_group), "D"(128 + SIGABRT)
				 : "rcx", "r11", "memory");
}
