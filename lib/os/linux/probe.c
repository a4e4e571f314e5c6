/* SPDX-License-Identifier: MIT */
#include "os/probe.h"

#include "os/linux/sys.h"
#include "os/rseq.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SURVIVED 0
#define FAILED 1
#define STACK_SIZE 65536

static void survived(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	(void)context;
	_exit(SURVIVED);
}

/* The kernel calls no handler without one: there is none to return from. */
static void never(void)
{
	_exit(FAILED);
}

/* The child: a copy of this process with one thread, soon gone. */
static void child(void *(*act)(void *))
{
	stack_t stack = {.ss_size = STACK_SIZE};
	struct mdi_sigaction action = {
		.handler = survived,
		.flags = SA_SIGINFO | SA_ONSTACK | MDI_SA_RESTORER,
		.restorer = never,
	};
	struct mdi_sigaction fatal = { 0 };
	bool had_rseq;

	stack.ss_sp = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stack.ss_sp == MAP_FAILED || sigaltstack(&stack, NULL) != 0 ||
	    mdi_sys_sigaction(SIGSEGV, &fatal, NULL) != 0 ||
	    mdi_sys_sigaction(SIGILL, &action, NULL) != 0 ||
	    mdi_sys_sigmask(SIG_SETMASK, 0, NULL) != 0)
		_exit(FAILED);
	(void)mdi_rseq_take(&had_rseq); /* the child's last system calls */
	act(NULL);
	_exit(FAILED);
}

int mdi_probe_survives(void *(*act)(void *))
{
	int status = FAILED, saved = errno, error;
	/*
	 * fork(2) without a signal to the parent, past the fork handlers. No
	 * debugger of this process sees the child: its signals are nobody's
	 * mistake.
	 */
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_UNTRACED, NULL, NULL, NULL,
				   0);
	pid_t got;

	if (pid == 0)
		child(act);
	if (pid < 0) {
		error = errno;
		errno = saved;
		return -error;
	}
	do
		got = waitpid(pid, &status, __WCLONE);
	while (got < 0 && errno == EINTR);
	error = errno;
	errno = saved;
	if (got != pid)
		return -error;
	return WIFEXITED(status) && WEXITSTATUS(status) == SURVIVED;
}
