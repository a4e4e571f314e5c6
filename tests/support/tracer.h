/* SPDX-License-Identifier: MIT */
/*
 * support/tracer.h - a forked child under ptrace(2): let it run to a mark, to
 * an address, to the next instruction, and send it a signal where it stands.
 *
 * A breakpoint is an int3 in the child's own copy of the page. The CPU's debug
 * registers would be each thread's own, but in some virtual machines they can
 * be set and never fire; an int3 works everywhere, costs fewer system calls,
 * and stops as well at the instruction that a fault's handler goes back to,
 * which a debug register passes by (the resume flag).
 *
 * The child's other threads execute the same bytes. So all of them are traced,
 * and one that meets the int3 is taken over the instruction and goes on. The
 * int3 is away for that moment: the thread that is followed can miss it.
 */
#ifndef TESTS_SUPPORT_TRACER_H
#define TESTS_SUPPORT_TRACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

/* Two words of the child, which the tracer knows by address. */
void step_begin(void);
void step_end(void);

enum tracer_stop {
	AT_BEGIN,
	AT_END,
	AT_BREAKPOINT,
	AT_SIGNAL, /* tracer.signo is about to be delivered */
	AT_STEP,
	GONE /* ended, with status 0 */
};

struct tracer {
	const char *name; /* for the log */
	pid_t pid;        /* its first thread is the one that is followed */
	int signo;        /* a signal that it is still to get */
	struct user_regs_struct regs;
	uintptr_t breakpoint; /* 0: none */
	long word;            /* what is there without it */
	pid_t over;           /* another thread, on its way over it */
	uintptr_t vdso, vdso_end;
	uintptr_t at; /* where the last signal was sent, for the log */
	unsigned at_times;
	size_t stops; /* so far */
};

/* A child that runs @body(@arg), and ends with status 0 when that returns. */
void tracer_start(struct tracer *tracer, const char *name,
		  void (*body)(void *arg), void *arg);

/* Until the first stop. A child that fails has failed the test. */
enum tracer_stop tracer_continue(struct tracer *tracer);

/* Until the next stop that is not a signal's. */
enum tracer_stop tracer_run(struct tracer *tracer);

/* The same, with a breakpoint at @address. */
enum tracer_stop tracer_run_to(struct tracer *tracer, uintptr_t address);

/*
 * One instruction. What the kernel has mapped to tell the time counts as one,
 * because it begins again when the clock ticks meanwhile, and it always does.
 */
enum tracer_stop tracer_step(struct tracer *tracer);

/* @signo comes now, before the instruction at which the child stands. */
void tracer_send(struct tracer *tracer, int signo);

/* Say in the log where the child is, and end it. */
void tracer_report(struct tracer *tracer, const char *what);

/* Why a process cannot be traced here; NULL when it can. */
const char *tracer_missing(void);

#endif /* TESTS_SUPPORT_TRACER_H */
