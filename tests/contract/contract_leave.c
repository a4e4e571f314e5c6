/* SPDX-License-Identifier: MIT */
/*
 * contract_leave - a module is left by other doors than its gate: exceptions,
 * the end of the thread, the end of the process. The host goes on, or ends in
 * order, with its own rights on its own stack.
 */
#include "support/cxx.h"
#include "support/poke.h"
#include "support/proc.h"
#include "support/world.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

/* More than calls can nest: a call that is not ended would be noticed. */
enum { ROUNDS = 150 };

static struct modiso_module *module, *other;
static struct modiso_region *own, *hosts;

static void make_scene(void)
{
	module = world_module();
	other = make_module("other");
	own = make_region(module, PAGE, "own");
	hosts = make_region(NULL, PAGE, "hosts");
}

/* Host rights, on this thread: what every module is closed to. */
static void be_host(void)
{
	region_bytes(hosts)[3]++;
	region_bytes(own)[3]++;
}

/* The host is the host, the modules are as closed as ever, and work. */
static void all_well(void)
{
	struct modiso_gate *load = make_gate(module, poke_load1);
	struct modiso_gate *add = make_gate(other, module_add_one);
	unsigned char *byte = region_bytes(hosts);

	be_host();
	must_eq(enter(add, 1), 2);
	must_blame(enter_fault(module, load, W(byte)), MODISO_READ, byte,
		   hosts);
	enter(load, W(region_bytes(own)));
	be_host();
	expect(MODISO_OK, modiso_gate_destroy(load));
	expect(MODISO_OK, modiso_gate_destroy(add));
}

/* Nobody is in any module, and the library can end. */
static void nothing_left(void)
{
	all_well();
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_module_destroy(other));
	expect(MODISO_OK, modiso_region_destroy(hosts));
	world_stop();
}

static void need_cxx(void)
{
	if (!cxx_there())
		test_skip("cxx", "there was no C++ compiler at configure");
}

static const struct modiso_fault *leave(struct modiso_gate *gate, uint32_t kind,
					uintptr_t a, uintptr_t b)
{
	const struct modiso_fault *fault = enter_fault(module, gate, a, b);

	must_eq(fault->kind, kind);
	must_eq(fault->signo, 0);
	return fault;
}

/* --- exceptions of the module --- */

static volatile int ends, ends_below;

MODULE_CODE static uintptr_t throw_it(uintptr_t what, void *unused)
{
	(void)unused;
	return cxx_throw(what, &ends) + 1;
}

MODULE_CODE static uintptr_t throw_beside(uintptr_t what)
{
	return cxx_beside(&ends_below, throw_it, what, NULL) + 1;
}

MODULE_CODE static uintptr_t throw_and_catch(uintptr_t what)
{
	return cxx_catch(throw_it, what, NULL) - 1;
}

START_TEST(test_exception)
{
	struct modiso_gate *gate;
	int i;

	need_cxx();
	make_scene();
	gate = make_gate(module, throw_beside);
	for (i = 1; i <= ROUNDS; i++) {
		leave(gate, MODISO_FAULT_EXCEPTION, (uintptr_t)_i, 0);
		/* The module's own ends have run, and nothing is in flight. */
		must_eq(ends_below, i);
		must_eq(ends, _i == CXX_OBJECT ? i : 0);
		must_eq(cxx_uncaught(), 0);
	}
	nothing_left();
}
END_TEST

START_TEST(test_exception_inside)
{
	struct modiso_gate *gate;

	need_cxx();
	make_scene();
	gate = make_gate(module, throw_and_catch);
	must_eq(enter(gate, CXX_INT), CXX_CAUGHT_INT - 1);
	must_eq(enter(gate, CXX_ERROR), CXX_CAUGHT_ERROR - 1);
	must_eq(enter(gate, CXX_OBJECT), CXX_CAUGHT_OTHER - 1);
	must_eq(modiso_fault_count(), 0);
	nothing_left();
}
END_TEST

/* Through a thunk, with the host's own try around it: it is not the host's. */
static uintptr_t (*volatile thunk)(uintptr_t);

static uintptr_t call_thunk(uintptr_t what, void *unused)
{
	(void)unused;
	return thunk(what) + 1;
}

START_TEST(test_exception_thunk)
{
	int i;

	need_cxx();
	make_scene();
	thunk = (uintptr_t(*)(uintptr_t))make_thunk(module, throw_beside);
	for (i = 0; i < ROUNDS; i++) {
		must_eq(cxx_catch(call_thunk, CXX_INT, NULL), 1);
		must_eq(modiso_gate_status(), MODISO_ERR_FAULT);
	}
	/* The host's own exceptions are caught as ever. */
	must_eq(cxx_catch(throw_it, CXX_INT, NULL), CXX_CAUGHT_INT);
	nothing_left();
}
END_TEST

/* An exception of no language, thrown without a C++ library. */
static struct _Unwind_Exception foreign;
static volatile int foreign_ends;

MODULE_CODE static void foreign_end(_Unwind_Reason_Code reason,
				    struct _Unwind_Exception *exception)
{
	(void)reason;
	(void)exception;
	foreign_ends = foreign_ends + 1;
}

MODULE_CODE static uintptr_t throw_foreign(void)
{
	foreign.exception_class = 0x6d6f6469736f0000;
	foreign.exception_cleanup = foreign_end;
	return (uintptr_t)_Unwind_RaiseException(&foreign) + 1;
}

START_TEST(test_exception_foreign)
{
	struct modiso_gate *gate;
	int i;

	make_scene();
	gate = make_gate(module, throw_foreign);
	for (i = 1; i <= ROUNDS; i++) {
		leave(gate, MODISO_FAULT_EXCEPTION, 0, 0);
		must_eq(foreign_ends, i);
	}
	nothing_left();
}
END_TEST

/* --- exceptions of the host, over a module --- */

static uintptr_t (*volatile service)(uintptr_t);
static struct modiso_gate *gates[2];

MODULE_CODE static uintptr_t call_service(uintptr_t value)
{
	return service(value) + 1;
}

MODULE_CODE static uintptr_t call_service_for(uintptr_t value, void *unused)
{
	(void)unused;
	return service(value) + 1;
}

/* With an object that the exception of the host must not end. */
MODULE_CODE static uintptr_t call_beside(uintptr_t value)
{
	return cxx_beside(&ends_below, call_service_for, value, NULL) + 1;
}

static uintptr_t service_throws(uintptr_t what)
{
	be_host();
	return cxx_throw(what, &ends);
}

static uintptr_t gate_call(uintptr_t what, void *gate)
{
	uintptr_t value = 0;

	must_eq(modiso_gate_call(gate, WORDS(what), &value), MODISO_OK);
	return value;
}

START_TEST(test_service_throws)
{
	uintptr_t caught[] = {CXX_CAUGHT_INT, CXX_CAUGHT_ERROR,
			      CXX_CAUGHT_OTHER};
	uintptr_t what = (uintptr_t)_i;
	struct modiso_gate *gate;
	int i;

	need_cxx();
	make_scene();
	service = (uintptr_t(*)(uintptr_t))make_service("t", service_throws);
	gate = make_gate(module, call_beside);
	thunk = (uintptr_t(*)(uintptr_t))make_thunk(module, call_beside);
	for (i = 0; i < ROUNDS; i++) {
		must_eq(cxx_catch(gate_call, what, gate), caught[what]);
		must_eq(cxx_catch(call_thunk, what, NULL), caught[what]);
		must_eq(cxx_uncaught(), 0);
		be_host();
	}
	/* The module's code was left out: it has no say in the host's. */
	must_eq(ends_below, 0);
	must_eq(ends, what == CXX_OBJECT ? 2 * ROUNDS : 0);
	must_eq(modiso_fault_count(), 0);
	must_eq(modiso_module_caller(), NULL);
	all_well();
}
END_TEST

/*
 * host, module, service, other module, service, and from there an exception:
 * each service in between may catch it, and its module goes on.
 */
static uintptr_t catch_at;

static uintptr_t go_deeper(uintptr_t depth)
{
	uintptr_t result;

	be_host();
	if (depth == 0)
		return cxx_throw(CXX_INT, &ends);
	if (depth != catch_at)
		return gate_call(depth - 1, gates[depth % 2]);
	result = cxx_catch(gate_call, depth - 1, gates[depth % 2]);
	must_eq(result, CXX_CAUGHT_INT);
	be_host();
	return 100;
}

START_TEST(test_service_throws_nested)
{
	const uintptr_t deepest = 6;
	int i;

	need_cxx();
	make_scene();
	service = (uintptr_t(*)(uintptr_t))make_service("deeper", go_deeper);
	gates[0] = make_gate(module, call_beside);
	gates[1] = make_gate(other, call_service);
	for (i = 0; i < 30; i++) {
		for (catch_at = 1; catch_at <= deepest; catch_at++) {
			must(gate_call(deepest, gates[0]) > 100);
			be_host();
		}
		catch_at = 0;
		must_eq(cxx_catch(gate_call, deepest, gates[0]),
			CXX_CAUGHT_INT);
		must_eq(modiso_module_caller(), NULL);
	}
	must_eq(modiso_fault_count(), 0);
	all_well();
}
END_TEST

static void uncaught(void *gate)
{
	gate_call(CXX_ERROR, gate);
}

/* What C++ says of such an exception: std::terminate(). */
START_TEST(test_service_throws_uncaught)
{
	struct modiso_gate *gate;
	char text[512];

	need_cxx();
	make_scene();
	service = (uintptr_t(*)(uintptr_t))make_service("t", service_throws);
	gate = make_gate(module, call_beside);
	must_die(child_output(uncaught, gate, text, sizeof(text)), SIGABRT);
	must(strstr(text, "runtime_error"));
}
END_TEST

/* --- the end of the thread --- */

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

/* --- cancellation --- */

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

/* --- the end of the process --- */

static void (*const exits[])(int) = {exit, quick_exit, _exit};

MODULE_CODE static uintptr_t exit_process(uintptr_t how, uintptr_t status)
{
	exits[how]((int)status);
	return how;
}

static int asked;

static enum modiso_verdict refuse(const struct modiso_fault *fault, void *arg)
{
	asked += fault->kind == MODISO_FAULT_EXIT;
	return *(enum modiso_verdict *)arg;
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

/* --- abort --- */

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

/* --- jumps --- */

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

/* --- jumps out of handlers --- */

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

/* --- jumps that nobody sees --- */

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

/* --- other stacks inside a module --- */

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

	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, test_exception, 0, 3);
	tcase_add_test(tcase, test_exception_inside);
	tcase_add_test(tcase, test_exception_thunk);
	tcase_add_test(tcase, test_exception_foreign);
	tcase_add_loop_test(tcase, test_service_throws, 0, 3);
	tcase_add_test(tcase, test_service_throws_nested);
	tcase_add_test(tcase, test_service_throws_uncaught);
	tcase_add_loop_test(tcase, test_pthread_exit, 0, 3);
	tcase_add_test(tcase, test_pthread_exit_service);
	tcase_add_loop_test(tcase, test_cancel, 0, 4);
	tcase_add_loop_test(tcase, test_exit, 0, 3);
	tcase_add_loop_test(tcase, test_exit_passed, 0, 3);
	tcase_add_loop_test(tcase, test_exit_service, 0, 3);
	tcase_add_loop_test(tcase, test_abort, 0, 3);
	tcase_add_loop_test(tcase, test_abort_passed, 0, 3);
	tcase_add_test(tcase, test_abort_host);
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
