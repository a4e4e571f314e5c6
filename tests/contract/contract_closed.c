/* SPDX-License-Identifier: MIT */
/*
 * contract_closed - modiso_options.closed: the program's writable data is out
 * of reach of modules that are READONLY or SEALED, on each backend, and in
 * nobody else's way.
 */
#include "contract/closed_scene.h"
#include "support/poke.h"
#include "support/proc.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static unsigned char filled[64] = "in .data";
static unsigned char zeros[3 * 4096];

/* Each case runs with both exclusions, at both levels. */
#define CASES 4

static void make_scene(int which)
{
	make_closed_scene(MODISO_CLOSED_DATA,
			  which & 1 ? MODISO_EXCLUSION_EXTERNAL : 0,
			  which & 2 ? MODISO_CONFINE_SEALED
				    : MODISO_CONFINE_READONLY);
}

START_TEST(test_data)
{
	unsigned char *byte;

	make_scene(_i);
	check_closed(filled);
	check_closed(zeros);
	check_closed(&zeros[sizeof(zeros) - 1]);
	byte = region_bytes(data);
	enter(make_gate(module, poke_store1), W(byte), 7);
	must_eq(enter(make_gate(module, poke_load1), W(byte)), 7);
	stop();
}
END_TEST

/* --- the host's code in between --- */

static unsigned long served;

static uintptr_t serve(uintptr_t value)
{
	char *text = malloc(100);

	snprintf(text, 100, "%lu", (unsigned long)value);
	free(text);
	served++;
	zeros[5]++;
	return value + 1;
}

struct calls {
	uintptr_t (*service)(uintptr_t);
	volatile unsigned char *byte;
};

MODULE_CODE static uintptr_t serve_and_store(struct calls *calls,
					     uintptr_t value)
{
	for (int i = 0; i < 10; i++)
		value = calls->service(value);
	*calls->byte = 9;
	return value;
}

START_TEST(test_service)
{
	struct modiso_service *service = NULL;
	struct modiso_gate *gate;
	struct calls *calls;

	make_scene(_i);
	expect(MODISO_OK, modiso_service_create("serve", (modiso_fn)serve, NULL,
						&service));
	gate = make_gate(module, serve_and_store);
	calls = (struct calls *)(void *)region_bytes(data);
	calls->service = (uintptr_t(*)(uintptr_t))modiso_service_thunk(service);
	calls->byte = region_bytes(data) + 100;
	must_eq(enter(gate, W(calls), 5), 15);
	must_eq(served, 10);
	must_eq(zeros[5], 10);
	calls->byte = filled;
	must_blame(enter_fault(module, gate, W(calls), 5), MODISO_WRITE, filled,
		   NULL);
	must_eq(served, 20);
	must_eq(filled[0], 'i');
	expect(MODISO_OK, modiso_service_destroy(service));
	stop();
}
END_TEST

static unsigned asked;

/* Host code; the module goes on with what it had. */
static enum modiso_verdict filter(const struct modiso_fault *fault, void *arg)
{
	must(arg == &asked);
	must_eq(fault->address, W(filled));
	return ++asked < 5 ? MODISO_VERDICT_RETRY : MODISO_VERDICT_END;
}

START_TEST(test_filter)
{
	make_scene(_i);
	expect(MODISO_OK, modiso_fault_notify(module, filter, NULL, &asked));
	must_blame(enter_fault(module, make_gate(module, poke_store1),
			       W(filled), 1),
		   MODISO_WRITE, filled, NULL);
	must_eq(asked, 5);
	must_eq(filled[0], 'i');
	stop();
}
END_TEST

static volatile unsigned long touches;
static pthread_t looping;
static volatile unsigned long handled;

static void handle(int signo)
{
	(void)signo;
	handled++;
	zeros[9]++;
}

static void wait_for_turns(void)
{
	unsigned long before = atomic_load(&shared()->turns);

	while (atomic_load(&shared()->turns) == before)
		sched_yield();
}

static void *touch(void *unused)
{
	for (unsigned i = 0; i < 10; i++) {
		wait_for_turns();
		touches++;
	}
	atomic_store(&shared()->stop, true);
	return unused;
}

static void *signal_it(void *unused)
{
	for (unsigned i = 0; i < 10; i++) {
		unsigned long before = handled;

		wait_for_turns();
		must(pthread_kill(looping, SIGUSR1) == 0);
		while (handled == before)
			sched_yield();
	}
	atomic_store(&shared()->stop, true);
	return unused;
}

static void *fork_it(void *unused)
{
	int status = 0;

	wait_for_turns();
	for (unsigned i = 0; i < 3; i++) {
		pid_t child = fork();

		if (child == 0) {
			zeros[11]++;
			_exit(zeros[11] + (int)touches);
		}
		must(child > 0 && waitpid(child, &status, 0) == child);
		must(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	}
	atomic_store(&shared()->stop, true);
	return unused;
}

/* The module loops, @work works; then it still has no rights. */
static void beside(int which, void *(*work)(void *))
{
	struct modiso_gate *gate;
	pthread_t thread;

	make_scene(which);
	gate = make_gate(module, turn);
	shared()->byte = filled;
	looping = pthread_self();
	thread = thread_start(work, NULL);
	must_blame(enter_fault(module, gate, W(shared()), 3), MODISO_WRITE,
		   filled, NULL);
	thread_join(thread);
	must_eq(filled[0], 'i');
	stop();
}

/* An endless loop is in no other thread's way. */
START_TEST(test_host_thread)
{
	beside(_i, touch);
	must_eq(touches, 10);
}
END_TEST

START_TEST(test_handler)
{
	const struct sigaction action = {.sa_handler = handle};

	must(sigaction(SIGUSR1, &action, NULL) == 0);
	beside(_i, signal_it);
	must_eq(handled, 10);
	must_eq(zeros[9], 10);
}
END_TEST

START_TEST(test_fork)
{
	beside(_i, fork_it);
}
END_TEST

static struct modiso_gate *add;

static void *call_often(void *unused)
{
	for (unsigned i = 0; i < 200; i++)
		must_eq(enter(add, i), i + 1);
	return unused;
}

/* Threads of one module, one at a time with page permissions. */
START_TEST(test_threads)
{
	pthread_t threads[3];

	make_scene(_i);
	add = make_gate(module, module_add_one);
	for (int i = 0; i < 3; i++)
		threads[i] = thread_start(call_often, NULL);
	for (int i = 0; i < 3; i++)
		thread_join(threads[i]);
	stop();
}
END_TEST

/* --- what is in a region, and what is not any more --- */

static unsigned char own[4096] __attribute__((aligned(4096)));

START_TEST(test_adopted)
{
	struct modiso_region *region = NULL;
	struct modiso_gate *store;

	make_scene(_i);
	store = make_gate(module, poke_store1);
	expect(MODISO_OK, modiso_region_adopt(module, own, sizeof(own), RW,
					      NULL, &region));
	enter(store, W(own), 8);
	must_eq(own[0], 8);
	check_closed(filled);
	check_closed(zeros);
	expect(MODISO_OK, modiso_region_destroy(region));
	check_closed(own);
	stop();
}
END_TEST

static unsigned char stack[65536] __attribute__((aligned(16)));
static ucontext_t here, there;
static int code;

static void call_on_stack(void)
{
	uintptr_t args[] = {1}, result = 0;

	code = modiso_gate_call(add, args, 1, &result);
}

/* Its own stack would be gone. */
START_TEST(test_stack_in_data)
{
	make_scene(_i);
	add = make_gate(module, module_add_one);
	must_eq(enter(add, 1), 2);
	must(getcontext(&there) == 0);
	there.uc_stack.ss_sp = stack;
	there.uc_stack.ss_size = sizeof(stack);
	there.uc_link = &here;
	makecontext(&there, call_on_stack, 0);
	must(swapcontext(&here, &there) == 0);
	must_eq(code, on_pkey() ? MODISO_OK : MODISO_ERR_STATE);
	must_eq(enter(add, 1), 2);
	stop();
}
END_TEST

/* --- asked for, and not --- */

START_TEST(test_refused)
{
	struct modiso_module_options confined = {
		.struct_size = sizeof(confined),
		.confinement = MODISO_CONFINE_READONLY,
	};
	struct modiso_options options = {
		.struct_size = sizeof(options),
		.closed = ~MODISO_CLOSED_DATA,
	};

	expect(MODISO_ERR_INVAL, modiso_init(&options));
	world_start();
	module = UNTOUCHED;
	if (on_pkey())
		return;
	expect(MODISO_ERR_NOTSUP,
	       modiso_module_create("module", &confined, &module));
	must(strstr(modiso_last_error_text(), "modiso_options.closed"));
	world_stop();
}
END_TEST

START_TEST(test_kinds_refused)
{
	struct modiso_options options = {
		.struct_size = sizeof(options),
		.closed = MODISO_CLOSED_DATA | MODISO_CLOSED_HEAP,
	};
	static const struct {
		uint32_t closed;
		const char *words;
	} kinds[] = {
		{MODISO_CLOSED_HEAP, "MODISO_CLOSED_HEAP"},
		{MODISO_CLOSED_STACKS, "MODISO_CLOSED_STACKS"},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		options.exclusion = MODISO_EXCLUSION_INTERNAL;
		options.closed = MODISO_CLOSED_DATA | kinds[i].closed;
		if (on_pkey()) {
			expect(MODISO_OK, modiso_init(&options));
			world_stop();
		} else {
			expect(MODISO_ERR_NOTSUP, modiso_init(&options));
			if (TEST_SANITIZED)
				continue;
			must(strstr(modiso_last_error_text(), kinds[i].words));
			must(strstr(modiso_last_error_text(),
				    "MODISO_EXCLUSION_EXTERNAL"));
		}
		/* Nobody is kept from the rest who is let to the data. */
		options.exclusion = MODISO_EXCLUSION_EXTERNAL;
		options.closed = kinds[i].closed;
		expect(MODISO_ERR_INVAL, modiso_init(&options));
		must(strstr(modiso_last_error_text(), "MODISO_CLOSED_DATA"));
	}
}
END_TEST

START_TEST(test_required)
{
	struct modiso_options options = {
		.struct_size = sizeof(options),
		.require = MODISO_CAP_SEALED | MODISO_CAP_READONLY,
	};

	if (on_pkey() || TEST_SANITIZED)
		return;
	expect(MODISO_ERR_NOTSUP, modiso_init(&options));
	options.closed = MODISO_CLOSED_DATA;
	expect(MODISO_OK, modiso_init(&options));
	world_stop();
	expect(MODISO_ERR_NOTSUP, (options.closed = 0, modiso_init(&options)));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("closed");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_data, 0, CASES);
	tcase_add_loop_test(tcase, test_service, 0, CASES);
	tcase_add_loop_test(tcase, test_filter, 0, CASES);
	tcase_add_loop_test(tcase, test_host_thread, 0, CASES);
	tcase_add_loop_test(tcase, test_handler, 0, CASES);
	tcase_add_loop_test(tcase, test_fork, 0, CASES);
	/* One thread at a time is the host's promise with the other. */
	for (int i = 0; i < CASES; i += 2)
		tcase_add_loop_test(tcase, test_threads, i, i + 1);
	tcase_add_loop_test(tcase, test_adopted, 0, CASES);
	tcase_add_loop_test(tcase, test_stack_in_data, 0, CASES);
	tcase_add_test(tcase, test_refused);
	tcase_add_test(tcase, test_kinds_refused);
	tcase_add_test(tcase, test_required);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
