/* SPDX-License-Identifier: MIT */
/*
 * contract_fiber_step - a switch to a fiber costs few instructions, and a
 * signal may come at each of them: its handler calls gates and is the host's,
 * before the switch or behind it.
 */
#include "contract/fiber_scene.h"
#include "contract/trace.h"
#include "support/proc.h"
#include "support/step.h"

#include "arch/arch.h"
#include "core/fiber.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

/* With the call, the return and the load of the argument. */
#define SWITCH_STEPS 60

/* --- how many instructions --- */

static struct modiso_fiber *fibers[2];

static void make_fibers(void)
{
	make_fiber_scene();
	for (int i = 0; i < 2; i++)
		expect(MODISO_OK, modiso_fiber_create(&fibers[i]));
}

static void __attribute__((noinline)) counted_switch(struct modiso_fiber *to)
{
	int result;

	stop_here();
	result = modiso_fiber_switch(to);
	stop_here();
	must_eq(result, MODISO_OK);
}

static void switches(void)
{
	make_fibers();
	/* Who is attached already. */
	expect(MODISO_OK, modiso_fiber_switch(fibers[0]));
	expect(MODISO_OK, modiso_fiber_switch(fibers[1]));
	expect(MODISO_OK, modiso_fiber_switch(NULL));
	counted_switch(fibers[0]);
	counted_switch(fibers[1]);
	counted_switch(NULL);
}

START_TEST(test_count)
{
	static const char *const what[] = {"to a fiber", "to another one",
					   "to the thread itself"};
	unsigned steps[3];

	count_steps(switches, steps, 3);
	for (int i = 0; i < 3; i++) {
		printf("# fiber switch, %s: %u instructions\n", what[i],
		       steps[i]);
		must(steps[i] > 20);
		must(TEST_SANITIZED || steps[i] <= SWITCH_STEPS);
	}
}
END_TEST

/* --- a signal at each of them --- */

static struct modiso_gate *plain_gate;
static atomic_uint handled, refused;

MODULE_CODE static uintptr_t add_one(uintptr_t value)
{
	return value + 1;
}

static void handle(int signo)
{
	(void)signo;
	region_bytes(hosts)[2]++;
	must_eq(enter(plain_gate, 6), 7);
	atomic_fetch_add(&handled, 1);
}

MODULE_CODE static uintptr_t wait_for_ever(uintptr_t number)
{
	for (;;)
		if (wait_thunk(number) != number + 100)
			return 0;
}

static void set_steps_for(int signo, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};
	struct modiso_gate *gate;

	make_fibers();
	plain_gate = make_gate(modules[1], add_one);
	must_eq(sigaction(signo, &action, NULL), 0);
	gate = make_gate(modules[0], wait_for_ever);
	make_task(0, gate, 0);
	make_task(1, gate, 1);
	go_on_with(0);
	go_on_with(1);
}

/* Each way: to a fiber, from there to another one, and back. */
static void step_round(void)
{
	step_begin();
	go_on_with(0);
	expect(MODISO_OK, modiso_fiber_switch(fibers[0]));
	expect(MODISO_OK, modiso_fiber_switch(fibers[1]));
	expect(MODISO_OK, modiso_fiber_switch(NULL));
	step_end();
}

static void check_switches(void)
{
	must(!tasks[0].over && !tasks[1].over);
	must(modiso_module_caller() == NULL);
	/* Nobody holds a fiber, and the tasks wait where they waited. */
	go_on_with(1);
	must_eq(enter(plain_gate, 1), 2);
}

static void check_steps(unsigned sent, bool stepped)
{
	(void)stepped;
	must_eq(atomic_load(&handled), sent);
	check_switches();
}

static bool in_assembly(uintptr_t pc)
{
	uintptr_t begin = (uintptr_t)(on_pkey() ? mdi_fiber_switch_pkey :
						  mdi_fiber_switch_plain);
	uintptr_t end = on_pkey() ? (uintptr_t)mdi_fiber_switch_plain :
				    (uintptr_t)mdi_fiber_switch_end;

	return pc >= begin && pc < end;
}

static void set_steps(void)
{
	set_steps_for(SIGUSR1, handle);
}

static struct step_plan plan = {
	.name = "fiber switch",
	.setup = set_steps,
	.round = step_round,
	.check = check_steps,
	.signo = SIGUSR1,
	.wanted = in_assembly,
};

/* Its three ways have each instruction of it but those of refusals. */
#define WANTED 45

START_TEST(test_steps)
{
	struct step_plan all = plan;
	struct step_count count;

	all.stride = (unsigned)run_times(1, 5);
	count = step_run(&all);
	must(count.wanted >= WANTED);
}
END_TEST

/*
 * A fault signal that somebody has sent is not kept for later, so its handler
 * may come when the GS base and the thread-local word differ: a gate that it
 * calls is refused there, and all goes on.
 */
static void handle_fault(int signo)
{
	uintptr_t value = 0;
	int status = modiso_gate_call(plain_gate, WORDS(6), &value);

	(void)signo;
	must(status == MODISO_OK || status == MODISO_ERR_STATE);
	must_eq(value, status == MODISO_OK ? 7 : 0);
	atomic_fetch_add(&handled, 1);
	atomic_fetch_add(&refused, status != MODISO_OK);
}

static void set_fault_steps(void)
{
	set_steps_for(SIGBUS, handle_fault);
}

START_TEST(test_steps_fault_signal)
{
	struct step_plan fault = plan;
	struct step_count count;

	fault.name = "fiber switch, sent SIGBUS";
	fault.setup = set_fault_steps;
	fault.signo = SIGBUS;
	fault.only = true;
	count = step_run(&fault);
	must(count.wanted >= WANTED);
}
END_TEST

/* The same in C, for what the assembly does not do by itself. */
static void in_c_round(void)
{
	step_begin();
	must_eq(mdi_fiber_switch((struct mdi_thread *)fibers[0]), 0);
	must_eq(mdi_fiber_switch((struct mdi_thread *)fibers[1]), 0);
	must_eq(mdi_fiber_switch(NULL), 0);
	step_end();
}

static bool in_c(uintptr_t pc)
{
	return pc - (uintptr_t)mdi_fiber_switch < 128;
}

/*
 * A scheduler that comes at each of them, and takes the thread out of its next
 * call: which is the one that follows, by whatever block it was asked.
 */
static struct modiso_thread *self;
static atomic_uint asked, answered, landings;

static void landed(void *unused)
{
	(void)unused;
	atomic_fetch_add(&landings, 1);
}

static void *abandon_each_time(void *unused)
{
	for (;;) {
		while (atomic_load(&asked) == atomic_load(&answered))
			sched_yield();
		expect(MODISO_OK, modiso_thread_abandon(self, landed, NULL));
		atomic_fetch_add(&answered, 1);
	}
	return unused;
}

static void be_frozen(int signo)
{
	unsigned mine = atomic_fetch_add(&asked, 1) + 1;

	(void)signo;
	while (atomic_load(&answered) < mine)
		sched_yield();
}

static void set_abandon_steps(void)
{
	set_steps_for(SIGUSR1, be_frozen);
	expect(MODISO_OK, modiso_thread_self(&self));
	thread_start(abandon_each_time, NULL);
}

static void abandon_round(void)
{
	step_begin();
	must_eq(modiso_fiber_switch(fibers[0]), 0);
	must_eq(modiso_fiber_switch(fibers[1]), 0);
	must_eq(modiso_fiber_switch(NULL), 0);
	step_end();
}

static void check_abandoned(unsigned sent, bool stepped)
{
	(void)stepped;
	if (atomic_load(&landings) != sent)
		expect(MODISO_ERR_ABANDONED,
		       modiso_gate_call(plain_gate, WORDS(1), NULL));
	must_eq(atomic_load(&landings), sent);
	check_switches();
}

START_TEST(test_steps_abandon)
{
	struct step_plan taken_out = plan;
	struct step_count count;

	taken_out.name = "fiber switch, taken out of the next call";
	taken_out.setup = set_abandon_steps;
	taken_out.round = abandon_round;
	taken_out.check = check_abandoned;
	taken_out.only = true;
	count = step_run(&taken_out);
	must(count.wanted >= WANTED);
}
END_TEST

static const struct {
	const char *name;
	void (*setup)(void);
	int signo;
} in_c_with[] = {
	{"fiber switch, in C", set_steps, SIGUSR1},
	{"fiber switch, in C, sent SIGBUS", set_fault_steps, SIGBUS},
};

START_TEST(test_steps_in_c)
{
	struct step_plan slow = plan;
	struct step_count count;

	slow.name = in_c_with[_i].name;
	slow.setup = in_c_with[_i].setup;
	slow.signo = in_c_with[_i].signo;
	slow.round = in_c_round;
	slow.wanted = in_c;
	slow.only = true;
	count = step_run(&slow);
	must(count.wanted > 20);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("fiber_step");
	TCase *tcase = tcase_create("contract");
	const char *why = "what is stepped is the same in every build";

	add_test_but_tsan(tcase, test_count, why);
	add_test_but_tsan(tcase, test_steps, why);
	add_test_but_tsan(tcase, test_steps_fault_signal, why);
	add_test_but_tsan(tcase, test_steps_abandon, why);
	add_loop_test_but_tsan(tcase, test_steps_in_c, 0, 2, why);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
