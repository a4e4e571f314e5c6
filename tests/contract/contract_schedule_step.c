/* SPDX-License-Identifier: MIT */
/*
 * contract_schedule_step - a task is frozen, or given up, at each instruction
 * of a gate call and of a service call.
 */
#include "contract/scheduled.h"
#include "support/world.h"
#include "support/step.h"
#include "arch/arch.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

static void setup_freeze(void)
{
	make_scene();
	start_scheduler(run_other);
	others_byte = region_bytes(others);
}

static void one_round(void)
{
	while (!atomic_load(&idle))
		sched_yield();
	rounds++;
	step_begin();
	work_code = modiso_gate_call(work_gate, WORDS(W(region_bytes(data)), 7),
				     &work_value);
	load_code = modiso_gate_call(load, WORDS(W(others_byte)), NULL);
	region_bytes(hosts)[3]++;
	step_end();
}

static void check_round(unsigned sent, bool last_one)
{
	must_eq(work_code, 0);
	must_eq(work_value, 8);
	must_eq(load_code, MODISO_ERR_FAULT);
	last.struct_size = sizeof(last);
	must_eq(modiso_fault_last(&last), 0);
	must_blame(&last, MODISO_READ, others_byte, others);
	must_eq(modiso_fault_count(), rounds);
	must_eq(served, rounds);
	must_eq(region_bytes(hosts)[1], (unsigned char)rounds);
	must_eq(region_bytes(hosts)[3], (unsigned char)rounds);
	must_eq(region_bytes(data)[0], (unsigned char)(2 * rounds));
	(void)last_one;
	must_eq(others_rounds, sent);
}

static bool in_gates(uintptr_t pc)
{
	return pc >= (uintptr_t)__start_mdi_gate_text &&
	       pc < (uintptr_t)__stop_mdi_gate_text;
}

static void step(const char *name, void (*setup)(void), void (*round)(void),
		 void (*check)(unsigned, bool), unsigned stride)
{
	const struct step_plan plan = {
		.name = name,
		.setup = setup,
		.round = round,
		.check = check,
		.signo = SIGUSR1,
		.wanted = in_gates,
		/* Of what is in C, all natively, on mprotect. */
		.stride = !emulated() ? 1 : on_pkey() ? stride : 997,
	};
	struct step_count count;

	if (tracer_missing() != NULL)
		test_skip("ptrace", tracer_missing());
	count = step_run(&plan);
	printf("# %s: %zu instructions, %zu times frozen\n", name, count.steps,
	       count.points);
	must(count.points > 50);
}

START_TEST(test_freeze_everywhere)
{
	step("freeze", setup_freeze, one_round, check_round, 25);
}
END_TEST

static void setup_abandon(void)
{
	make_scene();
	start_scheduler(abandon_task);
	others_byte = region_bytes(others);
}

static unsigned long asked_before;
static unsigned char at_start;

/* Each thread that is asked to leave is told once, soon or late. */
static void settle(bool was_told)
{
	must_eq(asked, step_sent());
	must(asked <= asked_before + 1);
	if (asked != asked_before && !was_told) {
		/* It was on its way to a call that comes, or never comes. */
		if (asked & 1) {
			expect(MODISO_ERR_ABANDONED,
			       modiso_gate_call(other_gate,
						WORDS(W(others_byte)), NULL));
			abandoned++;
		} else {
			expect(MODISO_ERR_NOENT,
			       modiso_thread_abandon(task, NULL, NULL));
		}
	}
	must(!was_told || asked == asked_before + 1);
	asked_before = asked;
	must_eq(landings, abandoned);
	must_eq(region_bytes(hosts)[4], (unsigned char)landings);
	/* Nothing is left behind. */
	must_eq(enter(work_gate, W(region_bytes(data)), 1), 2);
	must_blame(enter_fault(module, load, W(others_byte)), MODISO_READ,
		   others_byte, others);
}

static void check_abandoned(unsigned sent, bool last_one)
{
	bool told = work_code == MODISO_ERR_ABANDONED ||
		    load_code == MODISO_ERR_ABANDONED;

	(void)sent;
	(void)last_one;
	must(work_code == 0 || work_code == MODISO_ERR_ABANDONED);
	must(load_code == MODISO_ERR_FAULT ||
	     load_code == MODISO_ERR_ABANDONED);
	must(work_code == 0 || load_code == MODISO_ERR_FAULT);
	abandoned += told;
	settle(told);
}

START_TEST(test_abandon_everywhere)
{
	step("abandon", setup_abandon, one_round, check_abandoned, 25);
}
END_TEST

/*
 * A thread's first call: attached, and nothing that it needs in the module is
 * there. The way is long, and no instruction of it lets the thread in.
 */
static void first_call(void)
{
	while (!atomic_load(&idle))
		sched_yield();
	must_eq(modiso_thread_detach(), 0);
	must_eq(modiso_thread_self(&task), 0);
	at_start = region_bytes(data)[0];
	step_begin();
	work_code = modiso_gate_call(work_gate, WORDS(W(region_bytes(data)), 7),
				     &work_value);
	step_end();
}

static void check_first_call(unsigned sent, bool last_one)
{
	bool told = work_code == MODISO_ERR_ABANDONED;

	(void)sent;
	(void)last_one;
	must(work_code == 0 || told);
	if (asked != asked_before) {
		/* From then on the module does nothing. */
		must_eq(region_bytes(data)[0], found);
		must(told || found == (unsigned char)(at_start + 2));
	} else {
		must_eq(work_code, 0);
	}
	abandoned += told;
	settle(told);
}

START_TEST(test_abandon_on_the_way)
{
	step("abandon on the way in", setup_abandon, first_call,
	     check_first_call, 7);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("schedule_step");
	TCase *tcase = tcase_create("contract");

	add_test_but_tsan(tcase, test_freeze_everywhere, STEPPED);
	add_test_but_tsan(tcase, test_abandon_everywhere, STEPPED);
	add_test_but_tsan(tcase, test_abandon_on_the_way, STEPPED);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
