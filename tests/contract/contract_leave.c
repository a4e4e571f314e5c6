/* SPDX-License-Identifier: MIT */
/*
 * contract_leave - a module is left by other doors than its gate: exceptions,
 * the end of the thread, the end of the process. The host goes on, or ends in
 * order, with its own rights on its own stack.
 */
#include "contract/leaver.h"
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <assert.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

static sigjmp_buf home;

MODULE_CODE static uintptr_t jump_home(uintptr_t how)
{
	if (how == 0)
		longjmp(home, 1);
	if (how == 1)
		_longjmp(home, 1);
	siglongjmp(home, 1);
}

/* Out of a module, to where the host is: refused. */
START_TEST(test_jump_out)
{
	struct modiso_gate *gate;
	int i;

	make_scene();
	gate = make_gate(module, jump_home);
	if (sigsetjmp(home, 1))
		ck_abort_msg("the module came here");
	for (i = 0; i < ROUNDS; i++)
		leave(gate, MODISO_FAULT_JUMP, (uintptr_t)_i, 0);
	nothing_left();
}
END_TEST

static sigjmp_buf inner;

MODULE_CODE static uintptr_t jump_far(uintptr_t bytes)
{
	volatile char room[64];

	if (bytes > sizeof(room)) {
		room[0] = 1;
		return jump_far(bytes - sizeof(room)) + (uintptr_t)room[0];
	}
	siglongjmp(inner, 5);
}

MODULE_CODE static uintptr_t jump_inside(uintptr_t bytes)
{
	int value = sigsetjmp(inner, 0);

	return value ? (uintptr_t)value : jump_far(bytes);
}

/* From one of the module's frames to another, near and far. */
START_TEST(test_jump_inside)
{
	struct modiso_gate *gate;
	int i;

	make_scene();
	gate = make_gate(module, jump_inside);
	for (i = 0; i < ROUNDS; i++)
		must_eq(enter(gate, i % 2 ? 64 : 24 * 1024), 5);
	must_eq(modiso_fault_count(), 0);
	nothing_left();
}
END_TEST

/* A host that jumps over modules: out of a service, at each depth. */
static uintptr_t jump_deeper(uintptr_t depth)
{
	be_host();
	if (depth == 0)
		siglongjmp(home, 7);
	return gate_call(depth - 1, gates[depth % 2]);
}

START_TEST(test_jump_over)
{
	volatile int i;
	int value;

	make_scene();
	service = (uintptr_t(*)(uintptr_t))make_service("jump", jump_deeper);
	gates[0] = make_gate(module, call_service);
	gates[1] = make_gate(other, call_service);
	for (i = 0; i < ROUNDS; i++) {
		value = sigsetjmp(home, i % 2);
		if (value == 0)
			gate_call((uintptr_t)(i % 5), gates[0]);
		must_eq(value, 7);
		must_eq(modiso_module_caller(), NULL);
		be_host();
	}
	must_eq(modiso_fault_count(), 0);
	all_well();
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_module_destroy(other));
}
END_TEST

/* Not further than it goes: the outer call is under way as before. */
static sigjmp_buf middle;

static uintptr_t jump_to_middle(uintptr_t depth)
{
	volatile uintptr_t result = 100;

	if (depth == 0)
		siglongjmp(middle, 7);
	if (depth != 2)
		return gate_call(depth - 1, gates[depth % 2]);
	if (!sigsetjmp(middle, 0))
		gate_call(depth - 1, gates[depth % 2]);
	else
		result += enter(make_gate(other, module_add_one), 1);
	be_host();
	return result;
}

START_TEST(test_jump_between)
{
	int i;

	make_scene();
	service = (uintptr_t(*)(uintptr_t))make_service("jump", jump_to_middle);
	gates[0] = make_gate(module, call_service);
	gates[1] = make_gate(other, call_service);
	for (i = 0; i < ROUNDS; i++)
		must_eq(gate_call(4, gates[0]), 102 + 2 + 1);
	must_eq(modiso_fault_count(), 0);
	all_well();
}
END_TEST

enum { JUMP_AT_ONCE, JUMP_AFTER_GATE, JUMP_IN_HANDLER };

static volatile int handler_does;

static void jump_from_handler(int signo)
{
	(void)signo;
	be_host();
	if (handler_does == JUMP_IN_HANDLER) {
		if (!sigsetjmp(middle, 0))
			siglongjmp(middle, 1);
		return;
	}
	if (handler_does == JUMP_AFTER_GATE)
		must_eq(enter(gates[1], 1), 2);
	siglongjmp(home, 9);
}

MODULE_CODE static uintptr_t raise_it(uintptr_t value)
{
	raise(SIGUSR1);
	return value + 3;
}

static void *jump_rounds(void *unused)
{
	volatile int i;
	int value;

	for (i = 0; i < ROUNDS; i++) {
		value = sigsetjmp(home, 1);
		if (value == 0) {
			must_eq(enter(gates[0], 1), 4);
			must_eq(handler_does, JUMP_IN_HANDLER);
		} else {
			must_eq(value, 9);
		}
		be_host();
	}
	must_eq(modiso_fault_count(), 0);
	return unused;
}

/* On the stack of main(), above the signal stacks, and on one below them. */
static _Alignas(4096) char low_stack[4 << 20]; /* also for a sanitizer */

static void jump_rounds_below(void)
{
	pthread_attr_t attributes;
	pthread_t thread;

	must(!pthread_attr_init(&attributes));
	must(!pthread_attr_setstack(&attributes, low_stack, sizeof(low_stack)));
	must(!pthread_create(&thread, &attributes, jump_rounds, NULL));
	thread_join(thread);
}

START_TEST(test_jump_from_handler)
{
	struct sigaction action = {.sa_handler = jump_from_handler};

	make_scene();
	action.sa_flags = _i % 2 ? SA_ONSTACK : 0;
	handler_does = _i / 2;
	must(!sigaction(SIGUSR1, &action, NULL));
	gates[0] = make_gate(module, raise_it);
	gates[1] = make_gate(other, module_add_one);
	jump_rounds(NULL);
	jump_rounds_below();
	nothing_left();
}
END_TEST

/* The program's own handler of faults jumps: over a fault of the host in a
 * service, and over one of the module's that the filter has passed to it. */
static void jump_from_fault(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	(void)context;
	siglongjmp(home, 11);
}

static uintptr_t fault_in_service(uintptr_t unused)
{
	return poke_load1((void *)8) + unused;
}

START_TEST(test_jump_from_fault)
{
	struct sigaction action = {.sa_sigaction = jump_from_fault,
				   .sa_flags = SA_SIGINFO};
	enum modiso_verdict verdict = MODISO_VERDICT_PASS;
	volatile int i;
	int value;

	make_scene();
	must(!sigaction(SIGSEGV, &action, NULL));
	service = (uintptr_t(*)(uintptr_t))make_service("f", fault_in_service);
	gates[0] = make_gate(module, call_service);
	gates[1] = make_gate(other, poke_load1);
	expect(MODISO_OK, modiso_fault_notify(other, refuse, NULL, &verdict));
	for (i = 0; i < ROUNDS; i++) {
		value = sigsetjmp(home, 1);
		if (value == 0)
			enter(gates[i % 2], 8);
		must_eq(value, 11);
		be_host();
	}
	expect(MODISO_OK, modiso_fault_notify(other, NULL, NULL, NULL));
	must_eq(modiso_fault_count(), 0);
	all_well();
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_module_destroy(other));
}
END_TEST

static ucontext_t host_context;

MODULE_CODE static uintptr_t set_host_context(void)
{
	return (uintptr_t)setcontext(&host_context);
}

static void jump_unseen(void *unused)
{
	volatile int back = 0;

	(void)unused;
	getcontext(&host_context);
	if (back++) {
		be_host();
		_exit(1); /* never with the module's rights */
	}
	enter(gates[0], 0);
}

/* Host code with a module's rights ends the process, and says why. */
START_TEST(test_jump_unseen)
{
	char text[512];

	make_scene();
	gates[0] = make_gate(module, set_host_context);
	must_die(child_output(jump_unseen, NULL, text, sizeof(text)), SIGABRT);
	must(strstr(text, "left the module by a jump"));
	all_well();
}
END_TEST

static ucontext_t main_context, side_context;
static volatile uintptr_t side_value;

MODULE_CODE static void run_aside(void)
{
	side_value = side_value + 1;
	swapcontext(&side_context, &main_context);
	side_value = side_value + 10;
	if (side_value == 111)
		poke_ud2();
	swapcontext(&side_context, &main_context);
}

MODULE_CODE static uintptr_t switch_stacks(uintptr_t value, uintptr_t stack,
					   uintptr_t size)
{
	side_value = value;
	getcontext(&side_context);
	side_context.uc_stack.ss_sp = (void *)stack;
	side_context.uc_stack.ss_size = size;
	side_context.uc_link = NULL;
	makecontext(&side_context, run_aside, 0);
	swapcontext(&main_context, &side_context);
	side_value = side_value + 100;
	swapcontext(&main_context, &side_context);
	return side_value;
}

/* Its own affair, and so is a fault there. */
START_TEST(test_contexts)
{
	struct modiso_region *stack;
	struct modiso_gate *gate;
	int i;

	make_scene();
	stack = make_region(module, 16 * PAGE, "side stack");
	gate = make_gate(module, switch_stacks);
	for (i = 0; i < ROUNDS; i++) {
		must_eq(enter(gate, 1, W(region_bytes(stack)), 16 * PAGE), 112);
		must_eq(enter_fault(module, gate, 0, W(region_bytes(stack)),
				    16 * PAGE)
				->kind,
			MODISO_FAULT_ILLEGAL);
	}
	nothing_left();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("leave");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_jump_out, 0, 3);
	tcase_add_test(tcase, test_jump_inside);
	tcase_add_test(tcase, test_jump_over);
	tcase_add_test(tcase, test_jump_between);
	tcase_add_loop_test(tcase, test_jump_from_handler, 0, 6);
	tcase_add_test(tcase, test_jump_from_fault);
	tcase_add_test(tcase, test_jump_unseen);
	tcase_add_test(tcase, test_contexts);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
