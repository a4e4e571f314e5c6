/* SPDX-License-Identifier: MIT */
/*
 * support/step.h - a signal at each instruction in turn.
 *
 * A forked child does one piece of work again and again, under ptrace(2). The
 * first time it is stepped through, and every instruction that it executes
 * becomes a point; from then on it is stopped at one point each time, a signal
 * is put in there, and it runs on. The child itself says whether all is well
 * after each round, with what world.h has for that.
 *
 * The work's first and last word are step_begin() and step_end(), once each in
 * a round, on the thread that runs the rounds; from host or module code.
 */
#ifndef TESTS_SUPPORT_STEP_H
#define TESTS_SUPPORT_STEP_H

#include "support/tracer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct step_plan {
	const char *name;    /* for the log */
	void (*setup)(void); /* in the child, before the first round */
	void (*round)(void);
	/*
	 * After each round: @sent signals have been put in so far, in all;
	 * @stepped: pushf has found the trap flag set.
	 */
	void (*check)(unsigned sent, bool stepped);
	int signo;
	/* Sends it, where it is not to come by tgkill(2) without more. */
	void (*send)(pid_t pid);
	/* 0, or one more of a higher number, whose handler runs first. */
	int company;
	/*
	 * Of the instructions that must not be missed; of no others are points
	 * made where @only says so.
	 */
	bool (*wanted)(uintptr_t pc);
	bool only;
	bool walk; /* to each point step by step, not with a breakpoint */
	unsigned stride; /* one point in so many; 0 is 1 */
};

/* In the child: the signals sent so far, as plan.check() is told. */
unsigned step_sent(void);

struct step_count {
	size_t steps;  /* instructions from begin to end */
	size_t points; /* signals put in */
	size_t places; /* different addresses among them */
	size_t wanted; /* different ones that plan.wanted() wants */
	size_t missed; /* points that a later round did not come by */
	size_t walked; /* points that were come by step by step only */
	size_t stops;  /* of the child, but for these: what the run costs */
};

/*
 * step_run - the whole plan. Fails the test when the child does, or when a
 * wanted instruction was not interrupted.
 */
struct step_count step_run(const struct step_plan *plan);

/*
 * step_at_faults - the same with one point alone: @signo becomes pending at the
 * moment of each fault signal of the work, @rounds times over.
 */
struct step_count step_at_faults(const struct step_plan *plan, unsigned rounds);

#endif /* TESTS_SUPPORT_STEP_H */
