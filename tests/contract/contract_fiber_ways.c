/* SPDX-License-Identifier: MIT */
/*
 * contract_fiber_ways - ways out of a call that a fiber is in, after it has
 * waited and gone on, on the same thread or on another one: exceptions, faults,
 * a fiber or a thread that ends, a fork, a thread that is taken out.
 */
#undef _FORTIFY_SOURCE /* its longjmp(3) goes to no other stack */
#include "contract/fiber_scene.h"
#include "support/cxx.h"
#include "support/poke.h"
#include "support/proc.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Each way is gone on the thread that has begun, or on others. */
enum { HERE = 0, ELSEWHERE = 1, PLACES = 2 };

static void go_on_at(int place, int number)
{
	if (place == ELSEWHERE)
		go_on_elsewhere(number);
	else
		go_on_with(number);
}

/* The modules work, are closed to each other, and can end. */
static void nothing_left(void)
{
	struct modiso_region *own = make_region(modules[0], PAGE, "own");

	must_allow(modules[0], region_bytes(own));
	must_deny(modules[0], region_bytes(hosts), hosts);
	must_deny(modules[1], region_bytes(own), own);
	be_host();
	for (int i = 0; i < 2; i++)
		expect(MODISO_OK, modiso_module_destroy(modules[i]));
}

/* --- exceptions --- */

static volatile int ends, ends_below;

static void need_cxx(void)
{
	if (!cxx_there())
		test_skip("cxx", "there was no C++ compiler at configure");
}

MODULE_CODE static uintptr_t throw_it(uintptr_t what, void *unused)
{
	(void)unused;
	return cxx_throw(what, &ends) + 1;
}

MODULE_CODE static uintptr_t wait_and_throw(uintptr_t number)
{
	wait_thunk(number);
	return cxx_beside(&ends_below, throw_it, CXX_OBJECT, NULL) + 1;
}

/* Out of a module: a fault of the call, with another one that waits. */
START_TEST(test_module_throws)
{
	struct modiso_gate *gate, *other;

	need_cxx();
	make_fiber_scene();
	gate = make_gate(modules[0], wait_and_throw);
	other = make_gate(modules[1], model);
	make_task(1, other, 1);
	go_on_with(1);
	for (int i = 1; i <= 20; i++) {
		make_task(0, gate, 0);
		go_on_with(0);
		go_on_at(_i, 0);
		must_eq(tasks[0].status, MODISO_ERR_FAULT);
		must_eq(tasks[0].blamed, modules[0]);
		must_eq(ends, i);
		must_eq(ends_below, i);
		end_actor(0);
	}
	for (int i = 0; i < 3; i++)
		go_on_at(_i, 1);
	end_task(1);
	nothing_left();
}
END_TEST

/* Out of a service, over the module's frames, to the host's own try. */
static uintptr_t (*volatile throw_thunk)(uintptr_t number);

static uintptr_t wait_and_throw_as_host(uintptr_t number)
{
	wait_as((int)(number % TASKS));
	region_bytes(hosts)[1]++;
	return cxx_throw(CXX_ERROR, &ends);
}

MODULE_CODE static uintptr_t call_thrower(uintptr_t number)
{
	return throw_thunk(number) + 1;
}

static uintptr_t call_it(uintptr_t number, void *gate)
{
	uintptr_t value = 0;

	must_eq(modiso_gate_call(gate, WORDS(number), &value), MODISO_OK);
	return value;
}

static void catch_it(struct task *task)
{
	task->result = cxx_catch(call_it, task->word, task->gate);
}

START_TEST(test_service_throws)
{
	struct modiso_gate *gates[2];

	need_cxx();
	make_fiber_scene();
	throw_thunk = (uintptr_t(*)(uintptr_t))make_service(
		"thrower", wait_and_throw_as_host);
	for (int i = 0; i < 2; i++)
		gates[i] = make_gate(modules[i], call_thrower);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < TASKS; i++) {
			make_actor(i, catch_it);
			tasks[i].gate = gates[i % 2];
			tasks[i].word = (uintptr_t)i;
			go_on_with(i);
		}
		for (int i = TASKS - 1; i >= 0; i--) {
			go_on_at(_i, i);
			must_eq(tasks[i].result, CXX_CAUGHT_ERROR);
			end_actor(i);
		}
	}
	nothing_left();
}
END_TEST

/* Through two modules: the host between them catches it, or the first one. */
static struct modiso_gate *inner_gate;
static uintptr_t (*volatile nest_thunk)(uintptr_t);
static bool caught_between;

static uintptr_t nest(uintptr_t number)
{
	uintptr_t value;

	if (!caught_between)
		return call_it(number, inner_gate);
	value = cxx_catch(call_it, number, inner_gate);
	must_eq(value, CXX_CAUGHT_ERROR);
	wait_as((int)(number % TASKS));
	return number;
}

MODULE_CODE static uintptr_t call_nest(uintptr_t number)
{
	return nest_thunk(number) + 1;
}

START_TEST(test_nested_throws)
{
	struct modiso_gate *gate;

	need_cxx();
	make_fiber_scene();
	throw_thunk = (uintptr_t(*)(uintptr_t))make_service(
		"thrower", wait_and_throw_as_host);
	nest_thunk = (uintptr_t(*)(uintptr_t))make_service("nest", nest);
	gate = make_gate(modules[0], call_nest);
	inner_gate = make_gate(modules[1], call_thrower);
	for (int round = 0; round < 20; round++) {
		caught_between = round % 2;
		make_actor(0, catch_it);
		tasks[0].gate = gate;
		tasks[0].word = 0;
		go_on_with(0);
		go_on_at(_i, 0);
		if (caught_between)
			go_on_at(_i, 0);
		must_eq(tasks[0].result,
			caught_between ? 1 : CXX_CAUGHT_ERROR);
		end_actor(0);
	}
	nothing_left();
}
END_TEST

/* --- faults --- */

MODULE_CODE static uintptr_t wait_and_store(uintptr_t number, uintptr_t address)
{
	wait_thunk(number);
	poke_store1((void *)address, 1);
	return 1;
}

static struct modiso_fault record;
static pid_t faulted_on;

static void fault_here(struct task *task)
{
	uintptr_t value = 0;

	task->status = modiso_gate_call(
		task->gate, WORDS(task->word, W(region_bytes(hosts))), &value);
	record.struct_size = sizeof(record);
	expect(MODISO_OK, modiso_fault_last(&record));
	faulted_on = proc_gettid();
}

/* The record has the thread that it has happened on, and the fiber goes on. */
START_TEST(test_faults)
{
	struct modiso_gate *gate;

	make_fiber_scene();
	gate = make_gate(modules[0], wait_and_store);
	make_task(1, make_gate(modules[0], model), 1);
	go_on_with(1);
	for (int round = 0; round < 20; round++) {
		make_actor(0, fault_here);
		tasks[0].gate = gate;
		go_on_with(0);
		go_on_at(_i, 0);
		must_eq(tasks[0].status, MODISO_ERR_FAULT);
		must_eq(record.module, modules[0]);
		must_eq(record.thread, faulted_on);
		must((faulted_on == proc_gettid()) == (_i == HERE));
		must_blame(&record, MODISO_WRITE, region_bytes(hosts), hosts);
		end_actor(0);
	}
	for (int i = 0; i < 3; i++)
		go_on_at(_i, 1);
	end_task(1);
	nothing_left();
}
END_TEST

/* --- ends --- */

/* In the service of an inner call, which ends with the outer one. */
START_TEST(test_destroyed)
{
	struct modiso_gate *gate;

	make_fiber_scene();
	nest_thunk = (uintptr_t(*)(uintptr_t))make_service("nest", nest);
	gate = make_gate(modules[0], call_nest);
	inner_gate = make_gate(modules[1], model);
	for (int round = 0; round < 100; round++) {
		make_task(0, gate, 0);
		go_on_with(0);
		go_on_at(_i, 0);
		for (int i = 0; i < 2; i++)
			expect(MODISO_ERR_BUSY,
			       modiso_module_destroy(modules[i]));
		expect(MODISO_OK, modiso_fiber_destroy(tasks[0].fiber));
		be_host();
	}
	nothing_left();
}
END_TEST

/* A thread ends on a fiber, in a service of the inner one of two calls. */
static uintptr_t (*volatile end_thunk)(uintptr_t);

static uintptr_t end_thread(uintptr_t number)
{
	if (number == 0)
		wait_as(0);
	pthread_exit(NULL);
}

MODULE_CODE static uintptr_t call_end(uintptr_t number)
{
	return end_thunk(number) + 1;
}

static void *go_on_and_end(void *number)
{
	go_on_with(*(int *)number);
	return number;
}

START_TEST(test_thread_ends)
{
	struct modiso_gate *gate;
	int number = 0;

	make_fiber_scene();
	nest_thunk = (uintptr_t(*)(uintptr_t))make_service("nest", nest);
	end_thunk = (uintptr_t(*)(uintptr_t))make_service("end", end_thread);
	gate = make_gate(modules[0], call_nest);
	inner_gate = make_gate(modules[1], call_end);
	for (int round = 0; round < 20; round++) {
		make_task(0, gate, _i == HERE);
		if (_i == ELSEWHERE)
			go_on_with(0); /* it begins on this thread */
		must_eq(thread_join(thread_start(go_on_and_end, &number)),
			NULL);
		must(!tasks[0].over);
		/* The thread has given its calls up, and the fiber is free. */
		expect(MODISO_OK, modiso_fiber_destroy(tasks[0].fiber));
	}
	nothing_left();
}
END_TEST

/* --- a host that switches by siglongjmp(3) --- */

static sigjmp_buf here, there;

static uintptr_t jump_and_wait(uintptr_t number)
{
	if (sigsetjmp(there, 0) == 0) {
		expect(MODISO_OK, modiso_fiber_switch(NULL));
		siglongjmp(here, 1);
	}
	region_bytes(hosts)[1]++;
	return number + 100;
}

static void jump_back(void)
{
	if (sigsetjmp(here, 0) != 0)
		return;
	expect(MODISO_OK, modiso_fiber_switch(tasks[0].fiber));
	siglongjmp(there, 1);
}

START_TEST(test_jumps)
{
	ucontext_t self;
	struct modiso_gate *gate;

	make_fiber_scene();
	wait_thunk = (uintptr_t(*)(uintptr_t))make_service("jumps",
							   jump_and_wait);
	gate = make_gate(modules[0], model);
	for (int round = 0; round < 20; round++) {
		make_task(0, gate, 0);
		if (sigsetjmp(here, 0) == 0) {
			expect(MODISO_OK, modiso_fiber_switch(tasks[0].fiber));
			tasks[0].back = &self;
			setcontext(&tasks[0].self);
		}
		for (int i = 0; i < 2; i++)
			jump_back();
		getcontext(&self);
		if (!tasks[0].over)
			jump_back();
		end_task(0);
	}
	nothing_left();
}
END_TEST

/* --- fork --- */

static void go_round(void)
{
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < TASKS; i++)
			go_on_with(i);
	for (int i = 0; i < TASKS; i++)
		end_task(i);
}

static void must_exit_well(pid_t pid)
{
	int status = 0;

	must(pid > 0);
	must_eq(waitpid(pid, &status, 0), pid);
	must_eq(status, 0);
}

/* From a fiber's service, or from a handler that has interrupted its module */
static pid_t child;

static uintptr_t fork_here(uintptr_t number)
{
	child = fork();
	region_bytes(hosts)[1]++;
	return number + 100;
}

static void fork_in_handler(int signo)
{
	(void)signo;
	fork_here(0);
}

static uintptr_t (*volatile fork_thunk)(uintptr_t);

MODULE_CODE static uintptr_t fork_and_wait(uintptr_t number)
{
	if (fork_thunk == NULL)
		raise(SIGUSR1);
	else if (fork_thunk(number) != number + 100)
		return 0;
	return wait_thunk(number) == number + 100 ? number * 111 : 0;
}

START_TEST(test_fork_on_fiber)
{
	struct sigaction action = {.sa_handler = fork_in_handler};
	struct modiso_gate *gate[2];

	make_fiber_scene();
	must_eq(sigaction(SIGUSR1, &action, NULL), 0);
	if (_i == 0)
		fork_thunk = (uintptr_t(*)(uintptr_t))make_service("fork",
								   fork_here);
	for (int i = 0; i < 2; i++)
		gate[i] = make_gate(modules[i], model);
	for (int i = 1; i < TASKS; i++) {
		make_task(i, gate[i % 2], (uintptr_t)i);
		go_on_with(i);
	}
	make_task(0, make_gate(modules[0], fork_and_wait), 0);
	go_on_with(0);
	/* Two processes from here on. */
	go_on_with(0);
	end_task(0);
	make_task(0, gate[0], 0);
	go_on_with(0);
	go_round();
	nothing_left();
	if (child == 0)
		_exit(0);
	must_exit_well(child);
}
END_TEST

/*
 * Another thread runs a fiber, in a module, as this one forks: the child has
 * neither, and the others go on there, on a new thread as well.
 */
static atomic_uint begun;
static atomic_bool leave;

MODULE_CODE static uintptr_t run_on(volatile atomic_uint *at,
				    volatile atomic_bool *until)
{
	atomic_fetch_add(at, 1);
	while (!atomic_load(until))
		__asm__ volatile("pause");
	return 1;
}

static void run_on_here(struct task *task)
{
	enter(task->gate, W(&begun), W(&leave));
}

START_TEST(test_fork_elsewhere)
{
	struct modiso_gate *gate;
	pthread_t thread;
	int number = 7;
	pid_t pid;

	make_fiber_scene();
	gate = make_gate(modules[0], model);
	for (int i = 0; i < TASKS - 1; i++) {
		make_task(i, gate, (uintptr_t)i);
		go_on_with(i);
	}
	make_actor(number, run_on_here);
	tasks[number].gate = make_gate(modules[1], run_on);
	thread = thread_start(go_on_and_end, &number);
	while (atomic_load(&begun) == 0)
		sched_yield();
	pid = fork();
	if (pid != 0) {
		atomic_store(&leave, true);
		thread_join(thread);
		end_actor(number);
	}
	make_task(number, gate, 7);
	go_on_with(number);
	for (int i = 0; i < TASKS; i++)
		go_on_elsewhere(i);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < TASKS; i++)
			go_on_with(i);
	for (int i = 0; i < TASKS; i++)
		end_task(i);
	nothing_left();
	if (pid == 0)
		_exit(0);
	must_exit_well(pid);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("fiber_ways");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_module_throws, 0, PLACES);
	tcase_add_loop_test(tcase, test_service_throws, 0, PLACES);
	tcase_add_loop_test(tcase, test_nested_throws, 0, PLACES);
	tcase_add_loop_test(tcase, test_faults, 0, PLACES);
	tcase_add_loop_test(tcase, test_destroyed, 0, PLACES);
	tcase_add_loop_test(tcase, test_thread_ends, 0, PLACES);
	add_test_but_tsan(tcase, test_jumps,
			  "it must be told of each switch of stacks");
	tcase_add_loop_test(tcase, test_fork_on_fiber, 0, 2);
	add_test_but_tsan(tcase, test_fork_elsewhere,
			  "in a child it takes the parent's other threads for "
			  "alive, and a new one for the same");
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
