/* SPDX-License-Identifier: MIT */
/*
 * windows/leave - modules that are left by other doors than their gates: what
 * Windows lets the library see of contract_leave, contract_leave_process,
 * contract_leave_thread and contract_leave_exception.
 */
#include "contract/leaver.h"
#include "support/cxx.h"
#include "support/poke.h"
#include "support/proc.h"

#include <modiso.h>

#include <assert.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <windows.h>

static void (*const exits[])(int) = {exit, _exit};

MODULE_CODE static uintptr_t exit_process(uintptr_t how, uintptr_t status)
{
	exits[how]((int)status);
	return how;
}

static void be_told(struct modiso_gate *gate, uint32_t kind, uintptr_t how)
{
	for (int i = 0; i < ROUNDS; i++)
		leave(gate, kind, how, 3);
}

START_TEST(test_exit)
{
	enum modiso_verdict verdict = MODISO_VERDICT_RETRY;
	struct modiso_gate *gate;

	make_scene();
	gate = make_gate(module, exit_process);
	be_told(gate, MODISO_FAULT_EXIT, (uintptr_t)_i);
	expect(MODISO_OK, modiso_fault_notify(NULL, refuse, NULL, &verdict));
	must_eq(leave(gate, MODISO_FAULT_EXIT, (uintptr_t)_i, 77)->code, 77);
	must_eq(asked, 1);
	expect(MODISO_OK, modiso_fault_notify(NULL, NULL, NULL, NULL));
	nothing_left();
}
END_TEST

/* The filter passes it: the process ends as the module has asked. */
static void exit_passed(void *how)
{
	static enum modiso_verdict verdict = MODISO_VERDICT_PASS;

	expect(MODISO_OK, modiso_fault_notify(NULL, refuse, NULL, &verdict));
	enter(gates[0], W(how), 45);
}

static MODISO_CALL uintptr_t exit_in_service(uintptr_t how)
{
	exits[how](46);
	return how;
}

static void exit_service(void *how)
{
	enter(gates[1], W(how));
}

START_TEST(test_exit_host)
{
	make_scene();
	gates[0] = make_gate(module, exit_process);
	service = (CALLED(uintptr_t, uintptr_t))make_service("e",
							exit_in_service);
	gates[1] = make_gate(module, call_service);
	must_exit(child_status(exit_passed, (void *)(uintptr_t)_i), 45);
	must_exit(child_status(exit_service, (void *)(uintptr_t)_i), 46);
	all_well();
}
END_TEST

MODULE_CODE static uintptr_t abort_it(uintptr_t how)
{
	if (how == 0)
		abort();
	cxx_terminate();
	return how;
}

START_TEST(test_abort)
{
	make_scene();
	leave(make_gate(module, abort_it), MODISO_FAULT_ABORT, (uintptr_t)_i,
	      0);
	nothing_left();
}
END_TEST

/* --- jumps --- */

static jmp_buf home;

MODULE_CODE static uintptr_t jump_home(void)
{
	longjmp(home, 1);
}

START_TEST(test_jump_out)
{
	struct modiso_gate *gate;

	make_scene();
	gate = make_gate(module, jump_home);
	if (setjmp(home))
		ck_abort_msg("the module came here");
	be_told(gate, MODISO_FAULT_JUMP, 0);
	nothing_left();
}
END_TEST

static MODISO_CALL uintptr_t jump_deeper(uintptr_t depth)
{
	be_host();
	if (depth == 0)
		longjmp(home, 7);
	return gate_call(depth - 1, gates[depth % 2]);
}

/* A host that jumps over modules: out of a service, at each depth. */
START_TEST(test_jump_over)
{
	volatile int i;
	int value;

	make_scene();
	service = (CALLED(uintptr_t, uintptr_t))make_service("jump",
							     jump_deeper);
	gates[0] = make_gate(module, call_service);
	gates[1] = make_gate(other, call_service);
	for (i = 0; i < ROUNDS; i++) {
		value = setjmp(home);
		if (value == 0)
			gate_call((uintptr_t)(i % 5), gates[0]);
		must_eq(value, 7);
		must_eq(modiso_module_caller(), NULL);
		be_host();
	}
	must_eq(modiso_fault_count(), 0);
	all_well();
}
END_TEST

/* --- exceptions --- */

static uintptr_t throw_it(uintptr_t what, void *unused)
{
	(void)unused;
	return cxx_throw(what, &ends) + 1;
}

MODULE_CODE static uintptr_t throw_out(uintptr_t what)
{
	return throw_it(what, NULL) + 1;
}

/* Whether it would be caught there, nobody can be asked. */
MODULE_CODE static uintptr_t throw_and_catch(uintptr_t what)
{
	return cxx_catch(throw_it, what, NULL) - 1;
}

START_TEST(test_exception)
{
	struct modiso_gate *gate, *catching;

	make_scene();
	gate = make_gate(module, throw_out);
	catching = make_gate(module, throw_and_catch);
	for (int i = 1; i <= ROUNDS; i++) {
		leave(i % 2 ? gate : catching, MODISO_FAULT_EXCEPTION,
		      (uintptr_t)_i, 0);
		must_eq(ends, _i == CXX_OBJECT ? i : 0);
		must_eq(cxx_uncaught(), 0);
	}
	/* The host's own exceptions are caught as ever. */
	must_eq(cxx_catch(throw_it, CXX_INT, NULL), CXX_CAUGHT_INT);
	nothing_left();
}
END_TEST

static bool catches;

static MODISO_CALL uintptr_t service_throws(uintptr_t what)
{
	be_host();
	return catches ? cxx_catch(throw_it, what, NULL) : throw_it(what, NULL);
}

static void let_it_throw(void *what)
{
	enter(gates[0], W(what));
}

/*
 * Inside of a service it is caught; out of it, the process ends. GCC writes no
 * unwind information for a function that is called as services are, so what the
 * system's unwinder takes for the service's caller is chance: it meets the
 * library, or nobody and C++ says so.
 */
START_TEST(test_service_throws)
{
	char text[512];

	make_scene();
	service = (CALLED(uintptr_t, uintptr_t))make_service("t",
							     service_throws);
	gates[0] = make_gate(module, call_service);
	catches = true;
	must_eq(enter(gates[0], CXX_INT), CXX_CAUGHT_INT + 1);
	catches = false;
	must_die(child_output(let_it_throw, (void *)CXX_INT, text,
			      sizeof(text)),
		 SIGABRT);
	must(strstr(text, "an exception left a service") ||
	     strstr(text, "terminate called"));
	all_well();
}
END_TEST

/* --- threads --- */

MODULE_CODE static uintptr_t exit_thread(void *value)
{
	pthread_exit(value);
	return 1;
}

static void *thread_body(void *gate)
{
	enter(gate, 0x1234);
	ck_abort_msg("the module came back");
}

/* Its call ends with it. */
START_TEST(test_pthread_exit)
{
	struct modiso_gate *gate;

	make_scene();
	gate = make_gate(module, exit_thread);
	for (int i = 0; i < 5; i++)
		must_eq(thread_join(thread_start(thread_body, gate)), 0x1234);
	must_eq(modiso_fault_count(), 0);
	nothing_left();
}
END_TEST

/*
 * Of a thread that CreateThread() has made, destructors of pthread keys come
 * last of all: what GCC has for its thread-local variables has been given back
 * by then, and is here.
 */
#define BLOCKS 24
static unsigned char *blocks[BLOCKS];

static size_t block_size(int i)
{
	return (size_t)16 << i / 4;
}

static void take_blocks(void)
{
	for (int i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(block_size(i));
		must(blocks[i] != NULL);
		memset(blocks[i], 0x5a, block_size(i));
	}
}

static void give_blocks_back(void)
{
	for (int i = 0; i < BLOCKS; i++) {
		for (size_t at = 0; at < block_size(i); at++)
			must_eq(blocks[i][at], 0x5a);
		free(blocks[i]);
	}
	blocks[0] = NULL;
}

static pthread_key_t late;
static unsigned refused;

static void call_late(void *value)
{
	uintptr_t words[] = {1, 0}, result = 2;
	int code;

	if (blocks[0] == NULL)
		take_blocks();
	code = modiso_gate_call(gates[0], words, 2, &result);
	if (code == MODISO_ERR_STATE) {
		must(strstr(modiso_last_error_text(), "this thread ends"));
		refused++;
	} else {
		must_eq(code, MODISO_ERR_FAULT);
	}
	must_eq(result, 2);
	pthread_setspecific(late, value);
}

static DWORD CALLBACK plain_thread(void *unused)
{
	(void)unused;
	pthread_setspecific(late, &late);
	leave(gates[0], MODISO_FAULT_ABORT, 0, 0);
	return 0;
}

START_TEST(test_plain_thread)
{
	HANDLE thread;

	make_scene();
	gates[0] = make_gate(module, abort_it);
	must_eq(pthread_key_create(&late, call_late), 0);
	for (unsigned i = 1; i <= 5; i++) {
		thread = CreateThread(NULL, 0, plain_thread, NULL, 0, NULL);
		must(thread != NULL);
		WaitForSingleObject(thread, INFINITE);
		CloseHandle(thread);
		give_blocks_back();
		must_eq(refused, i);
	}
	must_eq(pthread_key_delete(late), 0);
}
END_TEST

/* --- what is not stopped: the table of modiso-windows(7) --- */

enum { BIG_FRAME, WILD_STACK, FAILED_ASSERT, EXIT_PROCESS, TERMINATE, FAST_FAIL,
       NOT_STOPPED };

MODULE_CODE static uintptr_t end_all(uintptr_t how)
{
	switch (how) {
	case BIG_FRAME:
		__asm__ volatile("subq $0x40000, %rsp\n\tpushq $1");
		break;
	case WILD_STACK:
		__asm__ volatile("movl $16, %esp\n\tpushq $1");
		break;
	case FAILED_ASSERT:
		_assert("it", "the module", 1);
		break;
	case EXIT_PROCESS:
		ExitProcess(48);
	case TERMINATE:
		TerminateProcess(GetCurrentProcess(), 48);
		break;
	default:
		__asm__ volatile("int $0x29" : : "c"(7));
	}
	return how;
}

#define CAME_BACK 49

static void not_stopped(void *how)
{
	(void)!modiso_gate_call(gates[0], WORDS(W(how)), NULL);
	_exit(CAME_BACK);
}

/* Nobody comes back: not by the gate, nor by a record of a fault. */
START_TEST(test_not_stopped)
{
	int status;

	make_scene();
	gates[0] = make_gate(module, end_all);
	status = child_status(not_stopped, (void *)(uintptr_t)_i);
	if (_i == EXIT_PROCESS || _i == TERMINATE)
		must_exit(status, 48);
	else
		must(!WIFEXITED(status) || WEXITSTATUS(status) != CAME_BACK);
	all_well();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("leave");
	TCase *tcase = tcase_create("windows");

	tcase_add_loop_test(tcase, test_exit, 0, 2);
	tcase_add_loop_test(tcase, test_exit_host, 0, 2);
	tcase_add_loop_test(tcase, test_abort, 0, 2);
	tcase_add_test(tcase, test_jump_out);
	tcase_add_test(tcase, test_jump_over);
	tcase_add_loop_test(tcase, test_exception, 0, 3);
	tcase_add_test(tcase, test_service_throws);
	tcase_add_test(tcase, test_pthread_exit);
	tcase_add_test(tcase, test_plain_thread);
	tcase_add_loop_test(tcase, test_not_stopped, 0, NOT_STOPPED);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
