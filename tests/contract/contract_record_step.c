/* SPDX-License-Identifier: MIT */
/*
 * contract_record_step - a signal at each instruction of a call that is
 * recorded, with a handler that makes one too: each event is whole, there is
 * one for each call, and no other.
 */
#include "support/recording.h"
#include "support/step.h"
#include "support/world.h"

#include "arch/arch.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct modiso_gate *inner;
static uintptr_t (*thunk)(uintptr_t), (*service)(uintptr_t);
static struct recording recording;
static const struct modiso_record_ring *ring;
static volatile unsigned handled, failed;
static uint64_t rounds, seen;
static bool with_service;

static void handle(int signo)
{
	uintptr_t word = 4, result = 0;

	(void)signo;
	handled++;
	failed += modiso_gate_call(inner, &word, 1, &result) != 0 ||
		  result != 5;
}

MODULE_CODE static uintptr_t ask(uintptr_t value)
{
	return service(value);
}

static uintptr_t answer(uintptr_t value)
{
	return value + 1;
}

static void setup(void)
{
	const struct sigaction action = {
		.sa_handler = handle,
		.sa_flags = SA_ONSTACK | SA_RESTART,
	};
	struct modiso_module *module;

	must(!setenv("MODISO_OPTIONS", "record_path=" RECORDING_PATH, 1));
	must(!sigaction(SIGUSR1, &action, NULL));
	module = world_module();
	service = (uintptr_t(*)(uintptr_t))make_service("answer", answer);
	thunk = (uintptr_t(*)(uintptr_t))make_thunk(
		module, with_service ? (modiso_fn)ask :
				       (modiso_fn)module_add_one);
	inner = make_gate(make_module("inner"), module_add_one);
	must_eq(thunk(1), 2);
	must_eq(enter(inner, 1), 2);
	recording = recording_open(getpid());
	ring = recording_ring(&recording, getpid());
	seen = recording_count(ring);
}

static void round_call(void)
{
	uintptr_t result;

	step_begin();
	result = thunk(1);
	step_end();
	must_eq(result, 2);
	rounds++;
}

static void check(unsigned sent, bool stepped)
{
	uint64_t first = 1 + (with_service ? 2 : 1) + 1;
	uint64_t of_round = with_service ? 2 : 1;

	(void)stepped;
	must_eq(failed, 0);
	must_eq(handled, sent);
	must_eq(recording_count(ring), first + rounds * of_round + handled);
	for (; seen < recording_count(ring); seen++) {
		const struct modiso_record_event *event =
			recording_event(ring, seen);

		must(event);
		must_eq(event->place % 32, MODISO_RECORD_CALL);
		must(event->begin < event->end);
	}
}

static bool in_gate(uintptr_t pc)
{
	return mdi_is_gate_code(pc);
}

START_TEST(test_steps)
{
	const struct step_plan plan = {
		.name = "recorded",
		.setup = setup,
		.round = round_call,
		.check = check,
		.signo = SIGUSR1,
		.wanted = in_gate,
		.only = TEST_SANITIZED,
		/* Of what is in C. */
		.stride = (unsigned)run_times(2, on_pkey() ? 41 : 997),
	};
	const char *missing = tracer_missing();
	struct step_count count;

	if (missing)
		test_skip("ptrace", missing);
	with_service = _i == 1;
	count = step_run(&plan);
	must(count.wanted >= 50);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("record_step");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_steps, 0, 2);
	tcase_set_timeout(tcase, 600);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
