/* SPDX-License-Identifier: MIT */
/*
 * contract_schedule_abandon - tasks that are given up: in a service, in a
 * handler, in line for the process, or before they are in a module.
 */
#include "contract/scheduled.h"
#include "support/world.h"
#include "support/proc.h"
#include "arch/arch.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

/* Frozen in host code: what is asked for holds for the next call, no more. */
static void freeze_self(void)
{
	must_eq(pthread_kill(pthread_self(), SIGUSR1), 0);
}

static int in_handler_code;

static void call_in_handler(int signo)
{
	(void)signo;
	freeze_self();
	in_handler_code =
		modiso_gate_call(other_gate, WORDS(W(others_byte)), NULL);
}

static void next_call(unsigned way)
{
	const struct sigaction calls = {.sa_handler = call_in_handler};

	must(!sigaction(SIGUSR2, &calls, NULL));
	if (way != 3)
		freeze_self();
	switch (way) {
	case 0: /* it is the one */
		expect(MODISO_ERR_ABANDONED,
		       modiso_gate_call(work_gate,
					WORDS(W(region_bytes(data)), 7), NULL));
		break;
	case 1: /* the thread says that it is over */
		expect(MODISO_ERR_NOENT,
		       modiso_thread_abandon(task, NULL, NULL));
		break;
	case 2: /* the thread is another one */
		expect(MODISO_OK, modiso_thread_detach());
		expect(MODISO_OK, modiso_thread_self(&task));
		break;
	case 3: /* in a handler, the handler's */
		must_eq(pthread_kill(pthread_self(), SIGUSR2), 0);
		must_eq(in_handler_code, MODISO_ERR_ABANDONED);
		break;
	}
}

START_TEST(test_abandon_outside)
{
	make_scene();
	start_scheduler(abandon_task);
	others_byte = region_bytes(others);
	for (unsigned i = 1; i <= 10; i++) {
		/* Links are there, or are not. */
		if (i % 2)
			enter(work_gate, W(region_bytes(data)), 1);
		while (!atomic_load(&idle))
			sched_yield();
		next_call((unsigned)_i);
		must_eq(asked, i);
		must_eq(region_bytes(data)[0], found);
		must_eq(landings, _i == 0 || _i == 3 ? i : 0);
		must_eq(enter(work_gate, W(region_bytes(data)), 1), 2);
		must_blame(enter_fault(module, load, W(others_byte)),
			   MODISO_READ, others_byte, others);
	}
	stop_scheduler();
}
END_TEST

static atomic_bool in_service;

static uintptr_t serve_frozen(uintptr_t value)
{
	atomic_store(&in_service, true);
	must_eq(pthread_kill(pthread_self(), SIGUSR1), 0);
	ck_abort_msg("the service goes on");
	return value;
}

static uintptr_t serve_and_end(uintptr_t value)
{
	atomic_store(&in_service, true);
	must_eq(modiso_thread_abandon(task, landing, &landings), 0);
	ck_abort_msg("the service goes on");
	return value;
}

/* The service calls the other module, whose service ends it all. */
static struct modiso_gate *deep_gate;

static uintptr_t serve_deeper(uintptr_t value)
{
	enter(deep_gate, value);
	ck_abort_msg("the service goes on");
	return 0;
}

static uintptr_t (*volatile inner_service)(uintptr_t);

MODULE_CODE static uintptr_t call_inner(uintptr_t value)
{
	return inner_service(value);
}

START_TEST(test_abandon_in_service)
{
	static uintptr_t (*const services[])(uintptr_t) = {
		serve_frozen, serve_and_end, serve_deeper, serve_deeper};
	uintptr_t value = 5;
	int i;

	make_scene();
	start_scheduler(abandon_task);
	deep_gate = make_gate(other, call_inner);
	service = (uintptr_t(*)(uintptr_t))make_service(
		"outer", (modiso_fn)services[_i]);
	inner_service = (uintptr_t(*)(uintptr_t))make_service(
		"inner", (modiso_fn)services[_i == 2 ? 0 : 1]);
	for (i = 1; i <= 20; i++) {
		expect(MODISO_ERR_ABANDONED,
		       modiso_gate_call(work_gate,
					WORDS(W(region_bytes(data)), 7),
					&value));
		must_eq(value, 5);
		must_eq(landings, i);
		must(in_service);
		must_eq(modiso_module_caller(), NULL);
		must_blame(enter_fault(module, load, W(region_bytes(others))),
			   MODISO_READ, region_bytes(others), others);
	}
	stop_scheduler();
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_module_destroy(other));
}
END_TEST

static jmp_buf out;

static void jump_out(void *arg)
{
	landings++;
	longjmp(out, *(int *)arg);
}

static int jump_value = 3;

static void abandon_and_jump(void)
{
	must_eq(modiso_thread_abandon(task, jump_out, &jump_value), 0);
}

static void *ring_when_spinning(void *thread)
{
	while (!atomic_load(&spinning))
		sched_yield();
	must_eq(pthread_kill(*(pthread_t *)thread, SIGUSR1), 0);
	return NULL;
}

START_TEST(test_landing_jumps)
{
	pthread_t self = pthread_self(), ringer;
	volatile unsigned long i;

	make_scene();
	start_scheduler(abandon_and_jump);
	for (i = 1; i <= 10; i++) {
		atomic_store(&spinning, false);
		ringer = thread_start(ring_when_spinning, &self);
		if (setjmp(out) == 0)
			enter(make_gate(module, spin), W(&spinning));
		thread_join(ringer);
		must_eq(landings, i);
		must_eq(enter(other_gate, W(region_bytes(others))), i);
	}
	stop_scheduler();
}
END_TEST

/* A task that is ended before it has begun. */
static void *enter_abandoned(void *unused)
{
	must_eq(modiso_thread_self(&task), 0);
	freeze_self();
	return enter_for_good(unused);
}

START_TEST(test_enter_abandoned)
{
	make_scene();
	start_scheduler(abandon_task);
	entry_gate = work_gate;
	entry_arg = W(region_bytes(data));
	must(thread_join(thread_start(enter_abandoned, NULL)) == NULL);
	stop_scheduler();
	must_eq(ends, 1);
	must_eq(end_status, MODISO_ERR_ABANDONED);
	must_eq(landings, 1);
	must_eq(region_bytes(data)[0], 0);
}
END_TEST

static atomic_int waits;

static void *wait_in_line(void *unused)
{
	must_eq(modiso_thread_self(&task), 0);
	atomic_store(&waits, proc_gettid());
	work_code = modiso_gate_call(work_gate, WORDS(W(region_bytes(data)), 7),
				     NULL);
	return unused;
}

static void *spin_in_other(void *unused)
{
	enter(make_gate(other, spin), W(&spinning));
	return unused;
}

START_TEST(test_abandon_in_line)
{
	pthread_t spinner, waiter;

	world_start();
	make_parts();
	make_freezable();
	spinner = thread_start(spin_in_other, NULL);
	while (!atomic_load(&spinning))
		sched_yield();
	waiter = thread_start(wait_in_line, NULL);
	while (!atomic_load(&waits))
		sched_yield();
	proc_wait_asleep(atomic_load(&waits));
	must_eq(pthread_kill(waiter, SIGUSR1), 0);
	wait_for(&frozen);
	expect(MODISO_OK, modiso_thread_abandon(task, landing, &landings));
	must(!sem_post(&go));
	atomic_store(&spinning, false);
	thread_join(spinner);
	thread_join(waiter);
	must_eq(work_code, MODISO_ERR_ABANDONED);
	must_eq(landings, 1);
	must_eq(region_bytes(data)[0], 0);
	must_eq(enter(work_gate, W(region_bytes(data)), 1), 2);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("schedule_abandon");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_abandon_outside, 0, 4);
	tcase_add_loop_test(tcase, test_abandon_in_service, 0, 4);
	tcase_add_test(tcase, test_landing_jumps);
	tcase_add_test(tcase, test_enter_abandoned);
	if (!on_pkey()) /* where threads wait for each other */
		tcase_add_test(tcase, test_abandon_in_line);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
