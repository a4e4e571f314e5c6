/* SPDX-License-Identifier: MIT */
/*
 * signal.h - what tests say of signals, so that they compile. There are none:
 * cases that need them are skipped (support/windows/test.c).
 */
#ifndef TESTS_SUPPORT_WINDOWS_SIGNAL_H
#define TESTS_SUPPORT_WINDOWS_SIGNAL_H

#include <sys/types.h>

typedef _sigset_t sigset_t;

#include_next <signal.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

/* Records have Linux's numbers. */
#undef SIGABRT
#define SIGTRAP 5
#define SIGABRT 6
#define SIGBUS  7
#define SIGKILL 9
#define SIGUSR1 10
#define SIGUSR2 12
#define SIGSTOP 19
#define SIGSYS  31
#define SIGRTMIN 34
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define SA_SIGINFO 4
#define SA_NODEFER 0x40000000
#define SA_ONSTACK 0x08000000
#ifndef SIG_BLOCK
#define SIG_BLOCK   0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2
#endif

typedef struct {
	int si_signo, si_code;
	void *si_addr;
} siginfo_t;

typedef struct {
	void *ss_sp;
	int ss_flags;
	size_t ss_size;
} stack_t;
#define SS_DISABLE 2

struct sigaction {
	void (*sa_handler)(int);
	void (*sa_sigaction)(int, siginfo_t *, void *);
	sigset_t sa_mask;
	int sa_flags;
};

static inline int sigemptyset(sigset_t *set)
{
	*set = 0;
	return 0;
}

static inline int sigaddset(sigset_t *set, int signo)
{
	*set |= (sigset_t)1 << (signo & 31);
	return 0;
}

static inline int sigismember(const sigset_t *set, int signo)
{
	return *set >> (signo & 31) & 1;
}

static inline int sigaction(int signo, const struct sigaction *action,
			    struct sigaction *old)
{
	(void)signo;
	(void)action;
	(void)old;
	return -1;
}

union sigval {
	int sival_int;
};

/* The file that defines pthread_t includes this one first. */
#define pthread_sigqueue(thread, signo, value) \
	((void)(thread), (void)(signo), (void)(value), -1)

#undef pthread_sigmask
#define pthread_sigmask test_no_sigmask
static inline int test_no_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	(void)how;
	(void)set;
	if (old != NULL)
		*old = 0;
	return -1;
}

#endif /* TESTS_SUPPORT_WINDOWS_SIGNAL_H */
