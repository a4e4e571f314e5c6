/* SPDX-License-Identifier: MIT */
#include "contract/trace.h"
#include "support/proc.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

void mark(void)
{
	(void)syscall(MARK);
}

static void count_call(struct counts *counts, long number)
{
	counts->all++;
	counts->mprotect += number == SYS_mprotect;
	counts->sigreturn += number == SYS_rt_sigreturn;
	counts->clock += number == SYS_clock_gettime;
	counts->gettid += number == SYS_gettid;
	counts->tgkill += number == SYS_tgkill;
	counts->sigmask += number == SYS_rt_sigprocmask;
	counts->altstack += number == SYS_sigaltstack;
	counts->keys += number == SYS_pkey_mprotect;
	counts->barrier += number == SYS_membarrier;
}

/* Of the system call that @thread is about to make; -1: it has made it. */
static long number_of(pid_t thread)
{
	struct __ptrace_syscall_info info = {0};

	must(ptrace(PTRACE_GET_SYSCALL_INFO, thread, (void *)sizeof(info),
		    &info) > 0);
	return info.op == PTRACE_SYSCALL_INFO_ENTRY ? (long)info.entry.nr : -1;
}

/* A child that stands before @body. */
static pid_t start_traced(void (*body)(void), long options)
{
	pid_t child = fork();
	int status;

	must(child >= 0);
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		body();
		_exit(0);
	}
	must(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
	proc_share_cpu(child);
	ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_EXITKILL | options);
	return child;
}

static void wait_stopped(pid_t child)
{
	int status;

	must(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
	must_eq(WSTOPSIG(status), SIGTRAP);
}

static bool at_stop(pid_t child)
{
	long pc = ptrace(PTRACE_PEEKUSER, child,
			 (void *)offsetof(struct user, regs.rip), NULL);

	return (ptrace(PTRACE_PEEKTEXT, child, (void *)pc, NULL) & 0xff) ==
	       0xcc;
}

/* Where it loads its flags the kernel takes the tracer's TF for its own. */
static void no_more_steps(pid_t child)
{
	void *at = (void *)offsetof(struct user, regs.eflags);
	long flags = ptrace(PTRACE_PEEKUSER, child, at, NULL);

	ptrace(PTRACE_POKEUSER, child, at, (void *)(flags & ~0x100l));
}

void count_steps(void (*body)(void), unsigned *steps, unsigned parts)
{
	/* Other threads of it run: it may wait for them. */
	pid_t child = start_traced(body, 0);
	unsigned part;
	int status;

	for (part = 0; part < parts; part++) {
		ptrace(PTRACE_CONT, child, NULL, NULL);
		wait_stopped(child);
		for (steps[part] = 0; !at_stop(child); steps[part]++) {
			ptrace(PTRACE_SINGLESTEP, child, NULL, NULL);
			wait_stopped(child);
		}
		no_more_steps(child);
		ptrace(PTRACE_CONT, child, NULL, NULL);
		wait_stopped(child);
	}
	kill(child, SIGKILL);
	must(waitpid(child, &status, 0) == child);
}

struct counts trace(void (*body)(void))
{
	struct counts counts = {0};
	int status, deliver;
	unsigned marks = 0;
	pid_t child = start_traced(body,
				   PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE),
	      thread;
	long number;

	for (thread = child, deliver = 0;;) {
		ptrace(PTRACE_SYSCALL, thread, NULL, (void *)(intptr_t)deliver);
		thread = waitpid(-1, &status, __WALL);
		must(thread > 0);
		deliver = 0;
		if (!WIFSTOPPED(status)) {
			if (thread == child)
				break;
			continue;
		}
		if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			number = number_of(thread);
			if (number == MARK)
				marks++;
			else if (number >= 0 && marks == 1)
				count_call(&counts, number);
			continue;
		}
		/* A new thread begins with a stop, which is no signal. */
		if (status >> 16 == 0 && WSTOPSIG(status) != SIGSTOP)
			deliver = WSTOPSIG(status);
	}
	must_exit(status, 0);
	must_eq(marks, 2);
	return counts;
}

MODULE_CODE uintptr_t same(uintptr_t value)
{
	return value;
}

void make_regions(struct modiso_module *module, unsigned count)
{
	while (count-- > 0)
		make_region(module, PAGE, "more");
}
