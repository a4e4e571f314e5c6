/* SPDX-License-Identifier: MIT */
/*
 * contract_leave_process - exit() and abort() in a module end its call; the
 * host decides on the process.
 */
#include "contract/leaver.h"
#include "support/world.h"
#include "support/cxx.h"
#include "support/poke.h"
#include "support/proc.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <unwind.h>

static void (*const exits[])(int) = {exit, quick_exit, _exit};

MODULE_CODE static uintptr_t exit_process(uintptr_t how, uintptr_t status)
{
	exits[how]((int)status);
	return how;
}

/* It is told of and refused: the module's call ends, the process does not. */
START_TEST(test_exit)
{
	enum modiso_verdict verdict = MODISO_VERDICT_RETRY;
	struct modiso_gate *gate;
	int i;

	make_scene();
	gate = make_gate(module, exit_process);
	for (i = 0; i < ROUNDS; i++)
		must_eq(leave(gate, MODISO_FAULT_EXIT, (uintptr_t)_i, 3)->code,
			3);
	/* Nothing to be run again: RETRY means END. */
	expect(MODISO_OK, modiso_fault_notify(NULL, refuse, NULL, &verdict));
	must_eq(leave(gate, MODISO_FAULT_EXIT, (uintptr_t)_i, 77)->code, 77);
	must_eq(asked, 1);
	expect(MODISO_OK, modiso_fault_notify(NULL, NULL, NULL, NULL));
	nothing_left();
}
END_TEST

static int report_fd;

static void at_exit(void)
{
	be_host();
	must_eq(enter(gates[1], 1), 2);
	must_eq(write(report_fd, "x", 1), 1);
}

static void exit_passed(void *how)
{
	static enum modiso_verdict verdict = MODISO_VERDICT_PASS;

	must(!atexit(at_exit));
	must(!at_quick_exit(at_exit));
	expect(MODISO_OK, modiso_fault_notify(NULL, refuse, NULL, &verdict));
	enter(gates[0], W(how), 45);
}

/* The filter passes it: the process ends as asked, by the host's hand. */
START_TEST(test_exit_passed)
{
	int ends_of_pipe[2];
	char byte;

	make_scene();
	gates[0] = make_gate(module, exit_process);
	gates[1] = make_gate(other, module_add_one);
	must(!pipe(ends_of_pipe));
	report_fd = ends_of_pipe[1];
	must_exit(child_status(exit_passed, (void *)(uintptr_t)_i), 45);
	close(report_fd);
	/* exit(), quick_exit() have run the host's functions, _exit() none */
	must_eq(read(ends_of_pipe[0], &byte, 1), _i < 2 ? 1 : 0);
	all_well();
}
END_TEST

static uintptr_t exit_in_service(uintptr_t how)
{
	exits[how](46);
	return how;
}

static void exit_service(void *how)
{
	enter(gates[0], W(how));
}

/* The host's own exit() is what it was, over a module too. */
START_TEST(test_exit_service)
{
	make_scene();
	service = (uintptr_t(*)(uintptr_t))make_service("e", exit_in_service);
	gates[0] = make_gate(module, call_service);
	must_exit(child_status(exit_service, (void *)(uintptr_t)_i), 46);
	all_well();
}
END_TEST

MODULE_CODE static uintptr_t abort_it(uintptr_t how)
{
	if (how == 0)
		abort();
	assert(how != 1);
	cxx_terminate();
	return how;
}

START_TEST(test_abort)
{
	enum modiso_verdict verdict = MODISO_VERDICT_RETRY;
	struct modiso_gate *gate;
	int i;

	if (_i == 2)
		need_cxx();
	make_scene();
	gate = make_gate(module, abort_it);
	for (i = 0; i < (_i ? 2 : ROUNDS); i++) /* the others print a line */
		leave(gate, MODISO_FAULT_ABORT, (uintptr_t)_i, 0);
	expect(MODISO_OK, modiso_fault_notify(NULL, refuse, NULL, &verdict));
	leave(gate, MODISO_FAULT_ABORT, (uintptr_t)_i, 0);
	expect(MODISO_OK, modiso_fault_notify(NULL, NULL, NULL, NULL));
	nothing_left();
}
END_TEST

static void abort_passed(void *how)
{
	static enum modiso_verdict verdict = MODISO_VERDICT_PASS;

	expect(MODISO_OK, modiso_fault_notify(NULL, refuse, NULL, &verdict));
	enter(gates[0], W(how));
}

START_TEST(test_abort_passed)
{
	if (_i == 2)
		need_cxx();
	make_scene();
	gates[0] = make_gate(module, abort_it);
	must_die(child_status(abort_passed, (void *)(uintptr_t)_i), SIGABRT);
	all_well();
}
END_TEST

static enum modiso_verdict end_in_filter(const struct modiso_fault *fault,
					 void *how)
{
	(void)fault;
	if (how)
		_exit(47);
	abort();
}

static void fault_to_filter(void *how)
{
	expect(MODISO_OK,
	       modiso_fault_notify(module, end_in_filter, NULL, how));
	enter(make_gate(module, poke_ud2), 0);
}

static uintptr_t abort_in_service(uintptr_t how)
{
	return abort_it(how);
}

static void abort_service(void *unused)
{
	(void)unused;
	enter(gates[0], 0);
}

/* What the host does in a service or a filter is the host's doing. */
START_TEST(test_abort_host)
{
	make_scene();
	service = (uintptr_t(*)(uintptr_t))make_service("a", abort_in_service);
	gates[0] = make_gate(module, call_service);
	must_die(child_status(abort_service, NULL), SIGABRT);
	must_die(child_status(fault_to_filter, NULL), SIGABRT);
	must_exit(child_status(fault_to_filter, module), 47);
	all_well();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("leave_process");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_exit, 0, 3);
	tcase_add_loop_test(tcase, test_exit_passed, 0, 3);
	tcase_add_loop_test(tcase, test_exit_service, 0, 3);
	tcase_add_loop_test(tcase, test_abort, 0, 3);
	tcase_add_loop_test(tcase, test_abort_passed, 0, 3);
	tcase_add_test(tcase, test_abort_host);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
