/* SPDX-License-Identifier: MIT */
/*
 * contract_leave_thread - threads that end or are cancelled in a module, or in
 * a service that it called.
 */
#include "contract/leaver.h"
#include "support/world.h"
#include "support/cxx.h"
#include "support/proc.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#include <unwind.h>

static pthread_key_t key;
static volatile int cleanups, module_cleanups, key_ends, host_ends;

static void at_key_end(void *value)
{
	be_host();
	key_ends += (int)W(value);
}

static void host_cleanup(void *value)
{
	be_host();
	cleanups += (int)W(value);
}

MODULE_CODE static void module_cleanup(void *value)
{
	module_cleanups += (int)W(value);
}

enum { EXIT, EXIT_BESIDE, EXIT_CLEANUP };

MODULE_CODE static uintptr_t exit_thread(uintptr_t how, void *value)
{
	if (how == EXIT_CLEANUP) {
		pthread_cleanup_push(module_cleanup, (void *)1);
		pthread_exit(value);
		pthread_cleanup_pop(0);
	}
	pthread_exit(value);
	return how + 1;
}

MODULE_CODE static uintptr_t exit_inside(uintptr_t how, void *value)
{
	if (how == EXIT_BESIDE)
		return cxx_beside(&ends_below, exit_thread, how, value) + 1;
	return exit_thread(how, value) + 1;
}

static uintptr_t enter_exit(uintptr_t how, void *gate)
{
	uintptr_t result;

	result = enter(gate, how, W(0x1234));
	ck_abort_msg("the module came back with %#lx", (unsigned long)result);
	return 0;
}

static uintptr_t with_cleanup(uintptr_t how, void *gate)
{
	pthread_cleanup_push(host_cleanup, (void *)1);
	if (how == EXIT_BESIDE)
		cxx_beside(&host_ends, enter_exit, how, gate);
	else
		enter_exit(how, gate);
	pthread_cleanup_pop(0);
	return 0;
}

static uintptr_t how_to_exit;

static void *exit_body(void *gate)
{
	must(!pthread_setspecific(key, (void *)1));
	pthread_cleanup_push(host_cleanup, (void *)0x100);
	with_cleanup(how_to_exit, gate);
	pthread_cleanup_pop(0);
	return NULL;
}

/* The host's clean-up has run, with the host's rights, and all of it. */
static void must_have_ended(int threads)
{
	must_eq(cleanups, 0x101 * threads);
	must_eq(key_ends, threads);
}

START_TEST(test_pthread_exit)
{
	struct modiso_gate *gate;
	int i;

	if (_i == EXIT_BESIDE)
		need_cxx();
	make_scene();
	must(!pthread_key_create(&key, at_key_end));
	how_to_exit = (uintptr_t)_i;
	gate = make_gate(module, exit_inside);
	for (i = 1; i <= 5; i++) {
		must_eq(thread_join(thread_start(exit_body, gate)), 0x1234);
		must_have_ended(i);
		must_eq(module_cleanups, _i == EXIT_CLEANUP ? i : 0);
		must_eq(ends_below, _i == EXIT_BESIDE ? i : 0);
		must_eq(host_ends, _i == EXIT_BESIDE ? i : 0);
	}
	must_eq(modiso_fault_count(), 0);
	nothing_left();
}
END_TEST

/* In a service, over one module and another. */
static uintptr_t exit_deeper(uintptr_t depth)
{
	be_host();
	if (depth == 0)
		pthread_exit((void *)0x1234);
	pthread_cleanup_push(host_cleanup, (void *)0x10000);
	gate_call(depth - 1, gates[depth % 2]);
	pthread_cleanup_pop(0);
	return 1;
}

START_TEST(test_pthread_exit_service)
{
	int depth;

	make_scene();
	must(!pthread_key_create(&key, at_key_end));
	service = (uintptr_t(*)(uintptr_t))make_service("deeper", exit_deeper);
	gates[0] = make_gate(module, call_service);
	gates[1] = make_gate(other, call_service);
	for (depth = 0; depth < 5; depth++) {
		how_to_exit = (uintptr_t)depth;
		cleanups = key_ends = 0;
		must_eq(thread_join(thread_start(exit_body, gates[0])), 0x1234);
		must_eq(cleanups, 0x101 + 0x10000 * depth);
		must_eq(key_ends, 1);
	}
	all_well();
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_module_destroy(other));
}
END_TEST

static atomic_int waiting;
static int pipe_ends[2];

/* A cancellation point inside the module: the C library is shared. */
MODULE_CODE static uintptr_t wait_blocked(void)
{
	char byte;

	atomic_store(&waiting, 1);
	return (uintptr_t)read(pipe_ends[0], &byte, 1);
}

/* At any instruction. */
MODULE_CODE static uintptr_t wait_asynchronous(void)
{
	int type;

	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	atomic_store(&waiting, 1);
	for (;;)
		module_cleanups = module_cleanups + 1;
	return 0;
}

MODULE_CODE static uintptr_t wait_testing(void)
{
	atomic_store(&waiting, 1);
	for (;;)
		pthread_testcancel();
	return 0;
}

static uintptr_t wait_in_service(uintptr_t value)
{
	char byte;

	be_host();
	atomic_store(&waiting, 1);
	return value + (uintptr_t)read(pipe_ends[0], &byte, 1);
}

MODULE_CODE static uintptr_t wait_for_service(void)
{
	return service(1) + 1;
}

static const modiso_fn waits[] = {
	(modiso_fn)wait_blocked,
	(modiso_fn)wait_asynchronous,
	(modiso_fn)wait_testing,
	(modiso_fn)wait_for_service,
};

START_TEST(test_cancel)
{
	struct modiso_gate *gate;
	pthread_t thread;
	int i;

	make_scene();
	must(!pthread_key_create(&key, at_key_end));
	must(!pipe(pipe_ends));
	service = (uintptr_t(*)(uintptr_t))make_service("w", wait_in_service);
	gate = make_gate_fn(module, waits[_i]);
	for (i = 1; i <= 10; i++) {
		atomic_store(&waiting, 0);
		thread = thread_start(exit_body, gate);
		while (!atomic_load(&waiting))
			sched_yield();
		must_eq(pthread_cancel(thread), 0);
		must_eq(thread_join(thread), PTHREAD_CANCELED);
		must_have_ended(i);
	}
	must_eq(modiso_fault_count(), 0);
	all_well();
	expect(MODISO_OK, modiso_module_destroy(module));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("leave_thread");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_pthread_exit, 0, 3);
	tcase_add_test(tcase, test_pthread_exit_service);
	tcase_add_loop_test(tcase, test_cancel, 0, 4);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
