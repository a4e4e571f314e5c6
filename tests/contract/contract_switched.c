/* SPDX-License-Identifier: MIT */
/*
 * contract_switched - host code that switches stacks in a service or a signal
 * handler and does not tell the library is found out on its way back, before
 * the module or the caller is handed anything.
 */
#include "support/proc.h"
#include "support/world.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

static ucontext_t home, coroutine[2];
static unsigned char stacks[2][65536] __attribute__((aligned(16)));
static struct modiso_gate *gate[2];
static uintptr_t (MODISO_CALL *volatile wait_thunk)(void);

static void told(const char *text, void *arg)
{
	(void)arg;
	_exit(strstr(text, "switched stacks") ? 7 : 8);
}

/* --- two coroutines on one thread --- */

MODISO_CALL static uintptr_t switch_over(void)
{
	static int from;
	int self = from;

	from = !self;
	swapcontext(&coroutine[self], &coroutine[!self]);
	return 0;
}

static void handle(int signo)
{
	(void)signo;
	switch_over();
}

MODULE_CODE static uintptr_t model(uintptr_t value)
{
	wait_thunk();
	return value;
}

MODULE_CODE static uintptr_t model_in_handler(uintptr_t value)
{
	raise(SIGUSR1);
	return value;
}

static void run(int number)
{
	uintptr_t value = 0, word = (uintptr_t)number;

	(void)!modiso_gate_call(gate[number], &word, 1, &value);
	_exit(9); /* whatever it returned, a switch was not noticed */
}

static void make_coroutine(int number, const char *name, modiso_fn entry)
{
	ucontext_t *made = &coroutine[number];

	gate[number] = make_gate(make_module(name), entry);
	getcontext(made);
	made->uc_stack.ss_sp = stacks[number];
	made->uc_stack.ss_size = sizeof(stacks[number]);
	makecontext(made, (void (*)(void))run, 1, number);
}

static void start_coroutines(modiso_fn entry)
{
	make_coroutine(0, "first", entry);
	make_coroutine(1, "second", entry);
	wait_thunk = (CALLED(uintptr_t, void))make_service("wait", switch_over);
	swapcontext(&home, &coroutine[0]);
}

static void in_service(void)
{
	start_coroutines((modiso_fn)model);
}

static void in_handler(void)
{
	struct sigaction action = {.sa_handler = handle};

	must_eq(sigaction(SIGUSR1, &action, NULL), 0);
	start_coroutines((modiso_fn)model_in_handler);
}

/* --- a service that goes on on another thread --- */

static ucontext_t in_wait;

MODISO_CALL static uintptr_t leave_thread(void)
{
	swapcontext(&in_wait, &home);
	return 0;
}

static void *go_on(void *unused)
{
	(void)unused;
	setcontext(&in_wait);
	return NULL;
}

static void *go_on_attached(void *other)
{
	enter(other, 1);
	return go_on(NULL);
}

MODULE_CODE static uintptr_t nothing(uintptr_t value)
{
	return value;
}

/* The new thread has the GS base of its creator, and no frames of its own. */
static void move_to(void *(*body)(void *))
{
	struct modiso_module *module = make_module("module");
	struct modiso_gate *other = make_gate(module, nothing);
	pthread_t thread;

	gate[0] = make_gate(module, model);
	wait_thunk = (CALLED(uintptr_t, void))make_service("wait", leave_thread);
	getcontext(&coroutine[0]);
	coroutine[0].uc_stack.ss_sp = stacks[0];
	coroutine[0].uc_stack.ss_size = sizeof(stacks[0]);
	makecontext(&coroutine[0], (void (*)(void))run, 1, 0);
	swapcontext(&home, &coroutine[0]);
	must_eq(pthread_create(&thread, NULL, body, other), 0);
	pthread_join(thread, NULL);
}

static void on_new_thread(void)
{
	move_to(go_on);
}

static void on_attached_thread(void)
{
	move_to(go_on_attached);
}

/* A child says by its status how it went. */
static void be_child(void *act)
{
	world_start();
	modiso_set_misuse_handler(told, NULL);
	(*(void (*const *)(void))act)();
	_exit(10);
}

static void must_be_found_out(void (*act)(void))
{
	must_exit(child_status(be_child, &act), 7);
}

static void (*const acts[])(void) = {in_service, on_new_thread,
				     on_attached_thread};

START_TEST(test_found_out)
{
	must_be_found_out(acts[_i]);
}
END_TEST

START_TEST(test_in_handler)
{
	must_be_found_out(in_handler);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("switched");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_found_out, 0, 3);
	tcase_add_test(tcase, test_in_handler);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
