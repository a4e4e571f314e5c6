/* SPDX-License-Identifier: MIT */
/*
 * windows/suspend - tasks that are suspended at any instruction: one that is in
 * the middle of the library is said to be, and one that is given up leaves its
 * modules.
 */
#include "contract/scheduled.h"
#include "support/proc.h"
#include "support/world.h"
#include "windows/suspend.h"

#include <sched.h>

static atomic_bool enough;

/*
 * The library changes protections in critical code, which takes much longer
 * than all else here: without this a thread would hardly stand anywhere else.
 */
UNWATCHED static void dawdle(void)
{
	for (volatile unsigned i = 0; i < 20000; i++)
		;
}

MODISO_CALL static uintptr_t serve_slowly(uintptr_t value)
{
	dawdle();
	return value + 1;
}

MODULE_CODE static uintptr_t work_slowly(uintptr_t value)
{
	dawdle();
	value = service(value);
	dawdle();
	return value;
}

/* Calls that end, one way or the other, and what they leave behind. */
static void be_task(struct modiso_gate *gate)
{
	uintptr_t value;
	int code = modiso_gate_call(gate, WORDS(7), &value);

	if (code == MODISO_OK)
		must_eq(value, 8);
	else
		must_eq(code, MODISO_ERR_ABANDONED);
	region_bytes(hosts)[3]++;
	dawdle();
}

static void *abandon_again(void *thread)
{
	unsigned long n = run_times(100, 50);
	HANDLE handle;

	while (n--) {
		handle = suspend_task(*(pthread_t *)thread);
		must_eq(modiso_thread_abandon(task, landing, &landings), 0);
		asked++;
		if (n % 2)
			run_other();
		resume_task(handle);
		while (__atomic_load_n(&landings, __ATOMIC_RELAXED) < asked)
			sched_yield();
	}
	atomic_store(&enough, true);
	return NULL;
}

/* Each of them leaves, or does not begin: once, and the next call does. */
START_TEST(test_abandon_anywhere)
{
	pthread_t self = pthread_self(), scheduler_thread;
	struct modiso_gate *gate;

	make_scene();
	start_scheduler(NULL);
	service = (CALLED(uintptr_t, uintptr_t))make_service("slow",
							     serve_slowly);
	gate = make_gate(module, work_slowly);
	scheduler_thread = thread_start(abandon_again, &self);
	while (!atomic_load(&enough))
		be_task(gate);
	thread_join(scheduler_thread);
	must_eq(landings, asked);
	must_eq(enter(gate, 1), 2);
	must_blame(enter_fault(module, load, W(region_bytes(others))),
		   MODISO_READ, region_bytes(others), others);
}
END_TEST

static void *abandon_spinning(void *thread)
{
	HANDLE handle;

	while (!atomic_load(&spinning))
		sched_yield();
	handle = suspend_task(*(pthread_t *)thread);
	must_eq(modiso_thread_abandon(task, landing, &landings), 0);
	resume_task(handle);
	return NULL;
}

MODISO_CALL static uintptr_t serve_spinning(uintptr_t value)
{
	spin(&spinning);
	ck_abort_msg("the service goes on");
	return value;
}

/* Mostly it stands in a call of the system, which gives few registers back. */
MODISO_CALL static uintptr_t serve_yielding(uintptr_t value)
{
	atomic_store(&spinning, true);
	for (;;)
		sched_yield();
	return value;
}

static const modiso_fn loops[] = {NULL, (modiso_fn)serve_spinning,
				  (modiso_fn)serve_yielding};

/* In a loop without end: of the module's, and of a service. */
START_TEST(test_abandon_loop)
{
	pthread_t self = pthread_self(), ender;
	struct modiso_gate *gate;
	uintptr_t value = 5;

	make_scene();
	start_scheduler(NULL);
	if (_i != 0)
		service = (CALLED(uintptr_t, uintptr_t))make_service("loop",
								     loops[_i]);
	gate = _i == 0 ? make_gate(module, spin) : work_gate;
	for (unsigned long i = 1; i <= 10; i++) {
		atomic_store(&spinning, false);
		ender = thread_start(abandon_spinning, &self);
		expect(MODISO_ERR_ABANDONED,
		       modiso_gate_call(gate,
					WORDS(_i == 0 ? W(&spinning)
						      : W(region_bytes(data)),
					      7),
					&value));
		thread_join(ender);
		must_eq(value, 5);
		must_eq(landings, i);
		must_eq(enter(other_gate, W(region_bytes(others))), i);
	}
}
END_TEST

static LONG CALLBACK pass_on(EXCEPTION_POINTERS *unused)
{
	(void)unused;
	return EXCEPTION_CONTINUE_SEARCH;
}

/* The system locks its list of handlers, and does so for each exception. */
static void *install_again(void *thread)
{
	unsigned long n = run_times(20000, 2000);
	HANDLE task_handle;
	void *mine;

	while (n--) {
		task_handle = suspend_task(*(pthread_t *)thread);
		mine = AddVectoredExceptionHandler(0, pass_on);
		must(mine != NULL);
		must(RemoveVectoredExceptionHandler(mine));
		resume_task(task_handle);
		test_gets_on(n);
	}
	atomic_store(&enough, true);
	return NULL;
}

/*
 * On its way to the library's handler, and from there back, a thread holds what
 * the faults of all others need.
 */
START_TEST(test_fault_beside_stopped)
{
	pthread_t self = pthread_self(), scheduler_thread;
	unsigned char *byte;

	make_scene();
	start_scheduler(NULL);
	byte = region_bytes(others);
	scheduler_thread = thread_start(install_again, &self);
	while (!atomic_load(&enough))
		must_blame(enter_fault(module, load, W(byte)), MODISO_READ,
			   byte, others);
	thread_join(scheduler_thread);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("suspend");
	TCase *tcase = tcase_create("windows");

	tcase_add_test(tcase, test_abandon_anywhere);
	tcase_add_loop_test(tcase, test_abandon_loop, 0, 3);
	tcase_add_test(tcase, test_fault_beside_stopped);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
