/* SPDX-License-Identifier: MIT */
#include "os/ticker.h"

#include "os/linux/signal.h"
#include "os/linux/state.h"
#include "os/linux/sys.h"

#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Room for thread-local data that programs have a lot of. */
#define STACK_SIZE ((size_t)256 * 1024)

/* The C library's own, which each thread must get: SIGCANCEL, SIGSETXID. */
#define OF_LIBC ((uint64_t)3 << 31)

static int start(pthread_t *ticker, void *(*run)(void *arg),
		 const pthread_attr_t *attr)
{
	uint64_t mask = 0;
	int result;

	if (mdi_sys_sigmask(SIG_SETMASK, ~(mdi_fault_mask() | OF_LIBC),
			    &mask) != 0)
		return errno;
	result = pthread_create(ticker, attr, run, NULL);
	(void)mdi_sys_sigmask(SIG_SETMASK, mask, NULL);
	return result;
}

int mdi_ticker_start(pthread_t *ticker, void *(*run)(void *arg))
{
	pthread_attr_t attr;
	int result = pthread_attr_init(&attr);

	if (result != 0)
		return result;
	result = pthread_attr_setstacksize(&attr, STACK_SIZE);
	if (result == 0)
		result = start(ticker, run, &attr);
	pthread_attr_destroy(&attr);
	return result;
}

void mdi_ticker_join(pthread_t ticker)
{
	int state;

	/* It is a cancellation point, and the caller holds a lock. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	pthread_join(ticker, NULL);
	pthread_setcancelstate(state, NULL);
}

/* As the kernel makes it of a thread's number: linux/posix-timers.h. */
#define CPU_CLOCK(tid) ((clockid_t)(~(uint32_t)(tid) << 3 | 6))

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec used;

	if (syscall(SYS_clock_gettime, clock, &used) != 0)
		return UINT64_MAX;
	return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

uint64_t mdi_thread_cpu_ns(int32_t tid)
{
	return clock_ns(CPU_CLOCK(tid));
}

uint64_t mdi_process_cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

/*
 * An address that nobody else has. Who forges it has a thread look whether its
 * time is over, which it may do at any time.
 */
static void *sign(void)
{
	return &mdi_os_state;
}

void mdi_call_write(siginfo_t *info)
{
	*info = (siginfo_t){
		.si_signo = MDI_CALL_SIGNAL,
		.si_code = SI_QUEUE,
	};
	info->si_pid = getpid();
	info->si_uid = getuid();
	info->si_value.sival_ptr = sign();
}

void mdi_call_thread(int32_t tid)
{
	siginfo_t info;

	mdi_call_write(&info);
	/* The thread may have ended: then it needs no call. */
	syscall(SYS_rt_tgsigqueueinfo, info.si_pid, tid, MDI_CALL_SIGNAL,
		&info);
}

bool mdi_is_call(int signo, const siginfo_t *info, bool sent)
{
	if (signo != MDI_CALL_SIGNAL)
		return false;
	if (info->si_code == SI_QUEUE)
		return info->si_value.sival_ptr == sign();
	return sent && info->si_code == SI_USER && info->si_pid == 0;
}
