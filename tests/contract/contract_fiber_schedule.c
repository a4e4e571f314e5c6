/* SPDX-License-Identifier: MIT */
/*
 * contract_fiber_schedule - a host that switches stacks and schedules its
 * threads as well: a thread is frozen in a module, in a service or in host code
 * while it runs a fiber, others run meanwhile, and it goes on or is taken out.
 */
#include "contract/fiber_scene.h"
#include "contract/frozen.h"
#include "support/proc.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static atomic_uint in_module;

static void start_as_task(bool external)
{
	struct modiso_options options = {
		.struct_size = sizeof(options),
		.exclusion = external ? MODISO_EXCLUSION_EXTERNAL : 0,
	};

	expect(MODISO_OK, modiso_init(&options));
	make_fiber_parts();
	be_task();
}

/* --- external exclusion --- */

/* Runs until it has been frozen, waits, and the next fiber does the same. */
MODULE_CODE static uintptr_t run_and_wait(uintptr_t number,
					  volatile unsigned char *own,
					  uintptr_t times)
{
	for (uintptr_t i = 1; i <= times; i++) {
		unsigned mine = atomic_fetch_add(&in_module, 1) + 1;

		own[number]++;
		while (atomic_load(&thawed) < mine)
			own[number + 64] = (unsigned char)mine;
		if (wait_thunk(number) != number + 100 || own[number] != i)
			return 0;
	}
	return number * 111;
}

static struct modiso_region *owned[2];
static unsigned turns;

static void run_in_turns(struct task *actor)
{
	unsigned char *own = region_bytes(owned[actor->word % 2]);

	actor->status = modiso_gate_call(
		actor->gate, WORDS(actor->word, W(own), turns), &actor->result);
}

MODULE_CODE static uintptr_t count_up(volatile unsigned char *byte)
{
	return ++*byte;
}

/* Another task of the host runs, in the one module and in the other. */
static void *schedule(void *gates)
{
	struct modiso_gate **gate = gates;

	expect(MODISO_OK, modiso_thread_attach());
	for (unsigned i = 1; i <= TASKS * turns; i++) {
		while (atomic_load(&in_module) < i)
			sched_yield();
		freeze_task();
		expect(MODISO_OK, modiso_thread_preempt(task));
		region_bytes(hosts)[3] = (unsigned char)i;
		for (int n = 0; n < 2; n++) {
			unsigned char *byte = region_bytes(owned[n]) + 200;

			must_eq(enter(gate[n], W(byte)), i % 256);
		}
		expect(MODISO_OK, modiso_thread_resume(task));
		thaw_task();
	}
	return NULL;
}

START_TEST(test_external)
{
	struct modiso_gate *gate[2], *counters[2];
	pthread_t scheduler;

	turns = (unsigned)run_times(12, 4);
	start_as_task(true);
	for (int i = 0; i < 2; i++) {
		owned[i] = make_region(modules[i], PAGE, "owned");
		gate[i] = make_gate(modules[i], run_and_wait);
		counters[i] = make_gate(modules[i], count_up);
	}
	for (int i = 0; i < TASKS; i++) {
		make_actor(i, run_in_turns);
		tasks[i].gate = gate[i % 2];
		tasks[i].word = (uintptr_t)i;
	}
	scheduler = thread_start(schedule, counters);
	for (unsigned turn = 0; turn <= turns; turn++)
		for (int i = 0; i < TASKS; i++) {
			go_on_with(i);
			region_bytes(hosts)[4]++;
		}
	thread_join(scheduler);
	for (int i = 0; i < TASKS; i++)
		end_task(i);
	for (int i = 0; i < 2; i++)
		must_deny(modules[i], region_bytes(owned[!i]), owned[!i]);
}
END_TEST

/* --- a thread is taken out of its modules --- */

static unsigned landings;

static void landed(void *number)
{
	landings++;
	must_eq(number, &tasks[0]);
}

MODULE_CODE static uintptr_t spin(uintptr_t number)
{
	wait_thunk(number);
	atomic_fetch_add(&in_module, 1);
	while (number < TASKS)
		__asm__ volatile("pause");
	return number;
}

MODISO_CALL static uintptr_t serve_for_ever(uintptr_t number)
{
	wait_as((int)number);
	atomic_fetch_add(&in_module, 1);
	while (number < TASKS)
		sched_yield();
	return number;
}

static uintptr_t (MODISO_CALL *volatile serve_thunk)(uintptr_t);

MODULE_CODE static uintptr_t be_served(uintptr_t number)
{
	return serve_thunk(number);
}

static struct modiso_gate *inner_gate;
static uintptr_t (MODISO_CALL *volatile nest_thunk)(uintptr_t);

MODISO_CALL static uintptr_t nest(uintptr_t number)
{
	return enter(inner_gate, number);
}

MODULE_CODE static uintptr_t call_nest(uintptr_t number)
{
	return nest_thunk(number);
}

static void *abandon_when_there(void *handle)
{
	while (atomic_load(&in_module) == 0)
		sched_yield();
	freeze_task();
	expect(MODISO_OK,
	       modiso_thread_abandon(*(struct modiso_thread **)handle, landed,
				     &tasks[0]));
	thaw_task();
	return NULL;
}

static struct modiso_thread *by_fiber;

static void call_and_note(struct task *actor)
{
	uintptr_t value = 5;

	expect(MODISO_OK, modiso_thread_self(&by_fiber));
	actor->status = modiso_gate_call(actor->gate, &actor->word, 1, &value);
	must_eq(value, 5);
}

static const modiso_fn where[] = {(modiso_fn)spin, (modiso_fn)be_served,
				  (modiso_fn)call_nest};
#define WHERE (int)(sizeof(where) / sizeof(where[0]))

/* In a module, in a service, in a module that a service called. */
START_TEST(test_abandon)
{
	struct modiso_gate *gate, *other;
	pthread_t scheduler;

	start_as_task(false);
	serve_thunk = (CALLED(uintptr_t, uintptr_t))make_service("serve",
							    serve_for_ever);
	nest_thunk = (CALLED(uintptr_t, uintptr_t))make_service("nest", nest);
	inner_gate = make_gate(modules[1], spin);
	gate = make_gate(modules[0], where[_i / 2]);
	other = make_gate(modules[1], model);
	for (int i = 1; i < TASKS; i++) {
		make_task(i, other, (uintptr_t)i);
		go_on_with(i);
	}
	for (unsigned round = 1; round <= 10; round++) {
		make_actor(0, call_and_note);
		tasks[0].gate = gate;
		go_on_with(0);
		atomic_store(&in_module, 0);
		/* By the handle of the thread, or of the fiber that it runs. */
		scheduler = thread_start(abandon_when_there,
					 _i % 2 ? &by_fiber : &task);
		go_on_with(0);
		thread_join(scheduler);
		must_eq(tasks[0].status, MODISO_ERR_ABANDONED);
		must_eq(landings, round);
		be_host();
		end_actor(0);
	}
	/* No other call knows of it. */
	for (int round = 0; round < 3; round++)
		for (int i = 1; i < TASKS; i++)
			go_on_with(i);
	for (int i = 1; i < TASKS; i++)
		end_task(i);
	for (int i = 0; i < 2; i++)
		expect(MODISO_OK, modiso_module_destroy(modules[i]));
}
END_TEST

/* By itself, in a service that has gone on on another thread. */
MODISO_CALL static uintptr_t give_up(uintptr_t number)
{
	struct modiso_thread *self;

	wait_as((int)number);
	expect(MODISO_OK, modiso_thread_self(&self));
	(void)!modiso_thread_abandon(self, landed, &tasks[0]);
	ck_abort_msg("the service goes on");
	return 0;
}

START_TEST(test_abandon_self)
{
	struct modiso_gate *gate;

	start_as_task(false);
	serve_thunk = (CALLED(uintptr_t, uintptr_t))make_service("serve", give_up);
	nest_thunk = (CALLED(uintptr_t, uintptr_t))make_service("nest", nest);
	inner_gate = make_gate(modules[1], be_served);
	gate = make_gate(modules[0], call_nest);
	for (unsigned round = 1; round <= 20; round++) {
		make_actor(0, call_and_note);
		tasks[0].gate = gate;
		go_on_with(0);
		if (_i)
			go_on_elsewhere(0);
		else
			go_on_with(0);
		must_eq(tasks[0].status, MODISO_ERR_ABANDONED);
		must_eq(landings, round);
		end_actor(0);
	}
	for (int i = 0; i < 2; i++)
		expect(MODISO_OK, modiso_module_destroy(modules[i]));
}
END_TEST

/*
 * Frozen in host code: the next call that the thread makes is not begun, on
 * whichever fiber, and the one after that is.
 */
static int first_status, second_status;

MODULE_CODE static uintptr_t add_one(uintptr_t value)
{
	return value + 1;
}

static void call_twice(struct task *actor)
{
	first_status = modiso_gate_call(actor->gate, WORDS(1), NULL);
	second_status = modiso_gate_call(actor->gate, WORDS(1), NULL);
}

static void *abandon_now(void *unused)
{
	freeze_task();
	expect(MODISO_OK, modiso_thread_abandon(task, landed, &tasks[0]));
	thaw_task();
	return unused;
}

/* The scheduler comes here and now. */
static void be_abandoned(void)
{
	pthread_t scheduler;

	scheduler = thread_start(abandon_now, NULL);
	thread_join(scheduler);
}

static void be_abandoned_and_wait(struct task *actor)
{
	be_abandoned();
	wait_as(0);
	first_status = modiso_gate_call(actor->gate, WORDS(1), NULL);
}

START_TEST(test_abandon_in_host)
{
	struct modiso_gate *gate;

	start_as_task(false);
	gate = make_gate(modules[0], add_one);
	for (unsigned round = 0; round < 10; round++) {
		/* As itself; then a fiber calls. */
		make_actor(0, call_twice);
		tasks[0].gate = gate;
		must_eq(enter(gate, 1), 2);
		be_abandoned();
		go_on_with(0);
		must_eq(first_status, MODISO_ERR_ABANDONED);
		must_eq(second_status, MODISO_OK);
		must_eq(landings, 2 * round + 1);
		end_actor(0);
		/* As a fiber; then the thread itself calls, and the fiber. */
		make_actor(0, be_abandoned_and_wait);
		tasks[0].gate = gate;
		go_on_with(0);
		expect(MODISO_ERR_ABANDONED,
		       modiso_gate_call(gate, WORDS(1), NULL));
		must_eq(enter(gate, 1), 2);
		go_on_with(0);
		must_eq(first_status, MODISO_OK);
		must_eq(landings, 2 * round + 2);
		end_actor(0);
	}
}
END_TEST

/* A fiber that no thread runs is in no thread's way. */
START_TEST(test_abandon_waiting)
{
	start_as_task(false);
	make_actor(0, call_and_note);
	tasks[0].gate = make_gate(modules[0], model);
	go_on_with(0);
	expect(MODISO_ERR_NOENT,
	       modiso_thread_abandon(by_fiber, landed, &tasks[0]));
	expect(MODISO_OK, modiso_fiber_destroy(tasks[0].fiber));
	must_eq(landings, 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("fiber_schedule");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_external);
	tcase_add_loop_test(tcase, test_abandon, 0, 2 * WHERE);
	tcase_add_loop_test(tcase, test_abandon_self, 0, 2);
	tcase_add_test(tcase, test_abandon_in_host);
	tcase_add_test(tcase, test_abandon_waiting);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
