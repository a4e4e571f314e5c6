/* SPDX-License-Identifier: MIT */
/*
 * contract_fiber - a host that switches stacks while modules wait in services,
 * and tells: each call comes back to where it was made, with its own result,
 * in any order and on any thread.
 */
#include "contract/fiber_scene.h"
#include "support/poke.h"
#include "support/proc.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- on one thread --- */

START_TEST(test_in_any_order)
{
	static const int order[] = {0, 1, 2, 3, 3, 1, 0, 2,
				    1, 3, 2, 0, 2, 0, 3, 1};
	struct modiso_gate *gate[2];

	make_fiber_scene();
	for (int i = 0; i < 2; i++)
		gate[i] = make_gate(modules[i], model);
	for (int i = 0; i < 4; i++)
		make_task(i, gate[i / 2], (uintptr_t)i);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		go_on_with(order[i]);
		/* The thread itself is in no module meanwhile. */
		must(modiso_module_caller() == NULL);
	}
	for (int i = 0; i < 4; i++)
		end_task(i);
	must_eq(region_bytes(hosts)[0], 12);
	must_eq(region_bytes(hosts)[1], 12);
}
END_TEST

/* A model that calls, by a service, another module, which waits as well. */
static struct modiso_gate *inner_gate;
static uintptr_t (MODISO_CALL *volatile nest_thunk)(uintptr_t);

MODISO_CALL static uintptr_t nest(uintptr_t number)
{
	return enter(inner_gate, number);
}

MODULE_CODE static uintptr_t outer_model(uintptr_t number)
{
	return nest_thunk(number) == number * 111 ? number * 111 : 0;
}

START_TEST(test_nested)
{
	struct modiso_gate *gate;

	make_fiber_scene();
	nest_thunk = (CALLED(uintptr_t, uintptr_t))make_service("nest", nest);
	gate = make_gate(modules[0], outer_model);
	inner_gate = make_gate(modules[1], model);
	for (int i = 0; i < TASKS; i++)
		make_task(i, gate, (uintptr_t)i);
	for (int round = 0; round < 4; round++)
		for (int i = 0; i < TASKS; i++)
			go_on_with(round % 2 ? TASKS - 1 - i : i);
	for (int i = 0; i < TASKS; i++)
		end_task(i);
}
END_TEST

/* --- faults, and ways out of a call --- */

MODULE_CODE static uintptr_t wait_and_fault(uintptr_t number)
{
	wait_thunk(number);
	poke_store1((void *)wait_thunk, 1);
	return 1;
}

START_TEST(test_fault)
{
	make_fiber_scene();
	make_task(0, make_gate(modules[0], model), 0);
	make_task(1, make_gate(modules[1], wait_and_fault), 1);
	go_on_with(0);
	go_on_with(1);
	go_on_with(0);
	go_on_with(1);
	must(tasks[1].over);
	must_eq(tasks[1].status, MODISO_ERR_FAULT);
	for (int i = 0; i < 2; i++)
		go_on_with(0);
	end_task(0);
	must_eq(tasks[1].blamed, modules[1]);
	expect(MODISO_OK, modiso_fiber_destroy(tasks[1].fiber));
}
END_TEST

/* A fiber that is never gone on with holds its module until it ends. */
START_TEST(test_destroy)
{
	struct modiso_gate *gate;

	make_fiber_scene();
	gate = make_gate(modules[0], model);
	make_task(0, gate, 0);
	go_on_with(0);
	expect(MODISO_ERR_BUSY, modiso_module_destroy(modules[0]));
	expect(MODISO_ERR_BUSY, modiso_fini());
	expect(MODISO_OK, modiso_fiber_destroy(tasks[0].fiber));
	/* Its stack in the module serves the next. */
	make_task(1, gate, 1);
	for (int i = 0; i < 4; i++)
		go_on_with(1);
	end_task(1);
	expect(MODISO_OK, modiso_module_destroy(modules[0]));
}
END_TEST

/* --- between two calls --- */

static struct modiso_gate *plain_gate;
static ucontext_t home, untold;

MODULE_CODE static uintptr_t add_one(uintptr_t value)
{
	return value + 1;
}

static void call_untold(int number)
{
	must_eq(enter(plain_gate, (uintptr_t)number), number + 1);
	swapcontext(&untold, &home);
	must_eq(enter(plain_gate, 5), 6);
	setcontext(&home);
}

/* Who is in no module switches stacks as it likes. */
START_TEST(test_between_calls)
{
	static unsigned char stack[TASK_STACK] __attribute__((aligned(16)));

	make_fiber_scene();
	plain_gate = make_gate(modules[0], add_one);
	getcontext(&untold);
	untold.uc_stack.ss_sp = stack;
	untold.uc_stack.ss_size = sizeof(stack);
	makecontext(&untold, (void (*)(void))call_untold, 1, 3);
	for (uintptr_t i = 0; i < 2; i++) {
		must_eq(enter(plain_gate, i), i + 1);
		swapcontext(&home, &untold);
		be_host();
	}
	must_eq(enter(plain_gate, 7), 8);
}
END_TEST

/* --- on other threads --- */

START_TEST(test_other_threads)
{
	struct modiso_gate *gate[2];

	make_fiber_scene();
	for (int i = 0; i < 2; i++)
		gate[i] = make_gate(modules[i], model);
	for (int i = 0; i < TASKS; i++)
		make_task(i, gate[i % 2], (uintptr_t)i);
	for (int round = 0; round < 4; round++)
		for (int i = 0; i < TASKS; i++)
			if ((round + i) % 3 == 0)
				go_on_with(i);
			else
				go_on_elsewhere(i);
	for (int i = 0; i < TASKS; i++)
		end_task(i);
}
END_TEST

/* Each thread takes whichever task is idle. */
static atomic_bool taken[TASKS];
static atomic_uint ended;

static void *worker(void *seed)
{
	unsigned state = (unsigned)(uintptr_t)seed;

	while (atomic_load(&ended) < TASKS) {
		int i;

		state = state * 1103515245 + 12345;
		i = (int)(state >> 16) % TASKS;
		if (atomic_exchange(&taken[i], true))
			continue;
		if (!tasks[i].over) {
			go_on_with(i);
			if (tasks[i].over)
				atomic_fetch_add(&ended, 1);
		}
		atomic_store(&taken[i], false);
	}
	return NULL;
}

START_TEST(test_many_threads)
{
	unsigned long rounds = run_times(200, 10);
	struct modiso_gate *gate[2];
	pthread_t thread[3];

	make_fiber_scene();
	for (int i = 0; i < 2; i++)
		gate[i] = make_gate(modules[i], model);
	for (unsigned long round = 0; round < rounds; round++) {
		atomic_store(&ended, 0);
		for (int i = 0; i < TASKS; i++)
			make_task(i, gate[i % 2], (uintptr_t)i);
		for (uintptr_t i = 0; i < 3; i++)
			thread[i] = thread_start(worker, (void *)(i + round));
		for (int i = 0; i < 3; i++)
			thread_join(thread[i]);
		for (int i = 0; i < TASKS; i++)
			end_task(i);
	}
}
END_TEST

/* --- signals --- */

static atomic_uint handled;

static void handle(int signo)
{
	(void)signo;
	region_bytes(hosts)[2]++;
	must_eq(enter(plain_gate, 6), 7);
	atomic_fetch_add(&handled, 1);
}

MODULE_CODE static uintptr_t raise_and_wait(uintptr_t number)
{
	for (int i = 0; i < 3; i++) {
		raise(SIGUSR1);
		if (wait_thunk(number) != number + 100)
			return 0;
	}
	return number * 111;
}

START_TEST(test_handlers)
{
	struct sigaction action = {.sa_handler = handle};
	struct modiso_gate *gate;

	make_fiber_scene();
	plain_gate = make_gate(modules[1], add_one);
	gate = make_gate(modules[0], raise_and_wait);
	must_eq(sigaction(SIGUSR1, &action, NULL), 0);
	for (int i = 0; i < TASKS; i++)
		make_task(i, gate, (uintptr_t)i);
	for (int round = 0; round < 4; round++)
		for (int i = 0; i < TASKS; i++)
			go_on_with(i);
	for (int i = 0; i < TASKS; i++)
		end_task(i);
	must_eq(atomic_load(&handled), 3 * TASKS);
}
END_TEST

/* --- fork --- */

START_TEST(test_fork)
{
	int status = 0;
	pid_t pid;

	make_fiber_scene();
	make_task(0, make_gate(modules[0], model), 0);
	make_task(1, make_gate(modules[1], model), 1);
	go_on_with(0);
	go_on_with(1);
	pid = fork();
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < 2; i++)
			go_on_with(i);
	for (int i = 0; i < 2; i++)
		end_task(i);
	if (pid == 0)
		_exit(0);
	must_eq(waitpid(pid, &status, 0), pid);
	must_eq(status, 0);
}
END_TEST

/* --- what is refused --- */

static struct modiso_fiber *some;

static void *run_it(void *both)
{
	expect(MODISO_OK, modiso_fiber_switch(some));
	pthread_barrier_wait(both);
	pthread_barrier_wait(both);
	expect(MODISO_ERR_BUSY, modiso_thread_detach());
	expect(MODISO_OK, modiso_fiber_switch(NULL));
	expect(MODISO_OK, modiso_thread_detach());
	return NULL;
}

START_TEST(test_refused)
{
	pthread_barrier_t both;
	pthread_t thread;

	expect(MODISO_ERR_STATE, modiso_fiber_create(&some));
	expect(MODISO_ERR_STATE, modiso_fiber_switch(NULL));
	make_fiber_scene();
	expect(MODISO_ERR_INVAL, modiso_fiber_create(NULL));
	expect(MODISO_ERR_INVAL, modiso_fiber_destroy(NULL));
	expect(MODISO_OK, modiso_fiber_create(&some));
	expect(MODISO_OK, modiso_fiber_switch(NULL));

	must_eq(pthread_barrier_init(&both, NULL, 2), 0);
	thread = thread_start(run_it, &both);
	pthread_barrier_wait(&both);
	expect(MODISO_ERR_BUSY, modiso_fiber_switch(some));
	expect(MODISO_ERR_BUSY, modiso_fiber_destroy(some));
	pthread_barrier_wait(&both);
	thread_join(thread);

	expect(MODISO_OK, modiso_window_open(hosts, RW));
	expect(MODISO_ERR_BUSY, modiso_fiber_switch(some));
	expect(MODISO_OK, modiso_window_close(hosts));

	expect(MODISO_OK, modiso_fiber_switch(some));
	expect(MODISO_OK, modiso_fiber_switch(some));
	expect(MODISO_ERR_BUSY, modiso_fiber_destroy(some));
	expect(MODISO_OK, modiso_fiber_switch(NULL));
	expect(MODISO_OK, modiso_fiber_destroy(some));
}
END_TEST

static int handler_got;

static void switch_in_handler(int signo)
{
	(void)signo;
	handler_got = modiso_fiber_switch(some);
}

MODULE_CODE static uintptr_t raise_here(uintptr_t value)
{
	raise(SIGUSR2);
	return value;
}

START_TEST(test_refused_in_handler)
{
	struct sigaction action = {.sa_handler = switch_in_handler};

	make_fiber_scene();
	expect(MODISO_OK, modiso_fiber_create(&some));
	must_eq(sigaction(SIGUSR2, &action, NULL), 0);
	must_eq(enter(make_gate(modules[0], raise_here), 5), 5);
	must_eq(handler_got, MODISO_ERR_STATE);
}
END_TEST

/* A thread that ends while it runs a fiber gives it back, without its calls. */
static void *end_on_fiber(void *number)
{
	struct task *task = &tasks[(uintptr_t)number];

	expect(MODISO_OK, modiso_fiber_switch(task->fiber));
	must_eq(enter(plain_gate, 1), 2);
	return NULL;
}

START_TEST(test_thread_ends)
{
	make_fiber_scene();
	plain_gate = make_gate(modules[0], add_one);
	make_task(0, plain_gate, 0);
	thread_join(thread_start(end_on_fiber, NULL));
	expect(MODISO_OK, modiso_fiber_destroy(tasks[0].fiber));
	expect(MODISO_OK, modiso_module_destroy(modules[0]));
}
END_TEST

START_TEST(test_many_fibers)
{
	const size_t count = run_times(3000, 300);
	struct modiso_fiber **fiber =
		calloc(count, sizeof(struct modiso_fiber *));

	make_fiber_scene();
	plain_gate = make_gate(modules[0], add_one);
	must(fiber != NULL);
	for (int life = 0; life < 2; life++) {
		for (size_t i = 0; i < count; i++)
			expect(MODISO_OK, modiso_fiber_create(&fiber[i]));
		for (size_t i = 0; i < count; i += 10) {
			expect(MODISO_OK, modiso_fiber_switch(fiber[i]));
			must_eq(enter(plain_gate, i), i + 1);
		}
		expect(MODISO_OK, modiso_fiber_switch(NULL));
		for (size_t i = 0; i < count; i++)
			expect(MODISO_OK, modiso_fiber_destroy(fiber[i]));
	}
	free(fiber);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("fiber");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_in_any_order);
	tcase_add_test(tcase, test_nested);
	tcase_add_test(tcase, test_fault);
	tcase_add_test(tcase, test_destroy);
	tcase_add_test(tcase, test_between_calls);
	tcase_add_test(tcase, test_other_threads);
	add_test_but_tsan(tcase, test_many_threads,
			  "it must be told of each switch of stacks");
	tcase_add_test(tcase, test_handlers);
	tcase_add_test(tcase, test_fork);
	tcase_add_test(tcase, test_refused);
	tcase_add_test(tcase, test_refused_in_handler);
	tcase_add_test(tcase, test_thread_ends);
	tcase_add_test(tcase, test_many_fibers);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
