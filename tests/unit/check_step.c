/* SPDX-License-Identifier: MIT */
/*
 * check_step - the harness that puts a signal in at each instruction
 * (support/step.h), on a program without the library: each signal arrives once,
 * before the instruction that it was put in at, on either way there.
 */
#include "support/step.h"
#include "support/test.h"
#include "support/world.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <ucontext.h>

/* --- the work: a function that many call, and a fault that is handled --- */

static volatile unsigned sum;

static __attribute__((noinline)) void add(unsigned number)
{
	sum += number;
}

/* One that faults and is skipped: two bytes. */
static void touch_nothing(void)
{
	__asm__ volatile("xorl %%eax, %%eax\n\t"
			 "movb (%%rax), %%al" ::
				 : "rax", "memory");
}

static volatile sig_atomic_t handled, faults;
/* Signals that had arrived when the fault's handler began its work. */
static volatile sig_atomic_t handled_before;
static volatile uintptr_t interrupted;

static void handle(int signo, siginfo_t *info, void *context)
{
	const ucontext_t *machine = context;

	(void)signo;
	(void)info;
	interrupted = (uintptr_t)machine->uc_mcontext.gregs[REG_RIP];
	handled++;
}

static void handle_fault(int signo, siginfo_t *info, void *context)
{
	ucontext_t *machine = context;

	(void)signo;
	(void)info;
	handled_before = handled;
	faults++;
	machine->uc_mcontext.gregs[REG_RIP] += 2;
}

static void set_up(void)
{
	struct sigaction action = {
		.sa_sigaction = handle,
		.sa_flags = SA_SIGINFO,
	};

	must(!sigaction(SIGUSR1, &action, NULL));
	action.sa_sigaction = handle_fault;
	must(!sigaction(SIGSEGV, &action, NULL));
}

static void round_of_work(void)
{
	sum = 0;
	step_begin();
	add(1);
	touch_nothing();
	add(2);
	add(3);
	step_end();
}

static unsigned rounds;

static void check(unsigned sent, bool stepped)
{
	(void)stepped;
	must_eq(handled, sent);
	must_eq(sum, 6);
	must_eq(faults, ++rounds);
}

static bool in_add(uintptr_t pc)
{
	return pc == (uintptr_t)add || pc == (uintptr_t)handle_fault;
}

static struct step_plan plan_of(const char *name, bool walk)
{
	if (tracer_missing())
		test_skip("ptrace", tracer_missing());
	return (struct step_plan){
		.name = name,
		.setup = set_up,
		.round = round_of_work,
		.check = check,
		.signo = SIGUSR1,
		.wanted = in_add,
		.walk = walk,
	};
}

/* --- one thread: everywhere --- */

START_TEST(test_everywhere)
{
	const struct step_plan plan =
		plan_of(_i ? "walked to" : "breakpoints", _i);
	struct step_count count = step_run(&plan);

	must_eq(count.wanted, 2);
	must_eq(count.missed, 0);
	/* The common function comes up three times. */
	must(count.points > count.places);
	must(count.places > 20);
}
END_TEST

/*
 * The first instruction of a fault's handler alone: a step into a handler stops
 * where a signal cannot be handed over.
 */
static bool at_handler(uintptr_t pc)
{
	return pc == (uintptr_t)handle_fault;
}

static void check_handler(unsigned sent, bool stepped)
{
	check(sent, stepped);
	must_eq(handled_before, sent);
	/* Twice before, to warm up, it was elsewhere. */
	must(sent <= 2 || interrupted == (uintptr_t)handle_fault);
}

START_TEST(test_first_of_handler)
{
	struct step_plan plan = plan_of("a handler's first instruction", _i);
	struct step_count count;

	plan.wanted = at_handler;
	plan.only = true;
	plan.check = check_handler;
	count = step_run(&plan);
	must_eq(count.points, 1);
}
END_TEST

/* --- another thread executes the same code all the time --- */

static atomic_uint others;

static void *add_on(void *unused)
{
	for (;;) {
		add(0);
		atomic_fetch_add(&others, 1);
		sched_yield();
	}
	return unused;
}

static void set_up_two(void)
{
	pthread_t thread;

	set_up();
	must(!pthread_create(&thread, NULL, add_on, NULL));
}

/* In each round the other one comes by the breakpoint first. */
static void round_of_two(void)
{
	unsigned before = atomic_load(&others);

	step_begin();
	while (atomic_load(&others) - before < 3)
		sched_yield();
	add(1);
	step_end();
}

static void check_two(unsigned sent, bool stepped)
{
	(void)stepped;
	must_eq(handled, sent);
}

/* Its first bytes. */
static bool is_in_add(uintptr_t pc)
{
	return pc - (uintptr_t)add < 12;
}

START_TEST(test_two_threads)
{
	struct step_plan plan = plan_of("two threads", false);
	struct step_count count;

	plan.setup = set_up_two;
	plan.round = round_of_two;
	plan.check = check_two;
	plan.wanted = is_in_add;
	plan.only = true;
	count = step_run(&plan);
	must(count.wanted >= 3);
	must_eq(count.missed, 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("step");
	TCase *tcase = tcase_create("unit");

	tcase_add_loop_test(tcase, test_everywhere, 0, 2);
	tcase_add_loop_test(tcase, test_first_of_handler, 0, 2);
	add_test_but_tsan(tcase, test_two_threads,
			  "no threads in the child of a fork beside threads");
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
