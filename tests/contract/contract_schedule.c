/* SPDX-License-Identifier: MIT */
/*
 * contract_schedule - hosts that schedule by themselves: a thread is frozen in
 * a signal handler, or suspended, at any instruction, others run meanwhile, in
 * other modules too, and it goes on with the rights that it had.
 *
 * The main thread is the task; a second thread is the scheduler and, while the
 * task is frozen, the other task.
 */
#include "contract/scheduled.h"
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"
#include "arch/arch.h"

#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_ulong preempted;

static void run_other_and_count(void)
{
	run_other();
	preempted++;
}

static atomic_bool enough;

/*
 * The next signal comes when the last one has been dealt with, and a moment of
 * any length later: the task gets on in between.
 */
static void *freezer(void *thread)
{
	unsigned long before;
	uint64_t random = 1;
	volatile unsigned moment;

	while (!atomic_load(&enough)) {
		before = atomic_load(&preempted);
		freeze_task(*(pthread_t *)thread);
		while (atomic_load(&preempted) == before)
			sched_yield();
		random = random * 6364136223846793005u + 1442695040888963407u;
		for (moment = random >> 52; moment > 0; moment--)
			__asm__ volatile("pause");
	}
	return NULL;
}

START_TEST(test_freeze_anywhere)
{
	unsigned long wanted = getenv("MODISO_TEST_LONG") ? 1000000 : 300;
	unsigned long i = 0;
	pthread_t self = pthread_self(), other_thread;
	unsigned char *byte;

	make_scene();
	start_scheduler(run_other_and_count);
	byte = region_bytes(others);
	other_thread = thread_start(freezer, &self);
	while (preempted < wanted) {
		must_eq(enter(work_gate, W(region_bytes(data)), i), i + 1);
		must_blame(enter_fault(module, load, W(byte)), MODISO_READ,
			   byte, others);
		region_bytes(hosts)[3]++;
		test_gets_on(i++);
	}
	atomic_store(&enough, true);
	thread_join(other_thread);
	/* Whatever was sent before the join has come by now. */
	(void)!getppid();
	stop_scheduler();
	must_eq(modiso_fault_count(), i);
	must_eq(served, i);
	must_eq(region_bytes(hosts)[3], (unsigned char)i);
}
END_TEST

static void must_end(struct modiso_gate *gate, uintptr_t arg, int status)
{
	int before = ends;

	entry_gate = gate;
	entry_arg = arg;
	must(thread_join(thread_start(enter_for_good, NULL)) == NULL);
	must_eq(ends, before + 1);
	must_eq(end_status, status);
}

MODISO_CALL static uintptr_t serve_enter(uintptr_t value)
{
	expect(MODISO_ERR_STATE,
	       modiso_thread_enter(other_gate, NULL, 0, NULL, NULL));
	return value + 1;
}

START_TEST(test_enter)
{
	struct modiso_region *bytes;

	make_scene();
	bytes = make_region(module, PAGE, "bytes");
	must_end(make_gate(module, touch), W(region_bytes(bytes)), 0);
	must_eq(end_result, 1);
	must_end(load, W(region_bytes(others)), MODISO_ERR_FAULT);
	expect(MODISO_ERR_INVAL,
	       modiso_thread_enter(NULL, NULL, 0, ended, NULL));
	expect(MODISO_ERR_INVAL,
	       modiso_thread_enter(load, NULL, 1, ended, NULL));
	service = (CALLED(uintptr_t, uintptr_t))make_service("enter",
							     serve_enter);
	must_eq(enter(work_gate, W(region_bytes(data)), 1), 2);
}
END_TEST

static atomic_bool sealed_off;

/* Any system call but exit(2) ends this thread. */
static void *hooks_without_calls(void *unused)
{
	int i;

	must_eq(modiso_thread_preempt(task), 0);
	must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0) == 0);
	for (i = 0; i < 1000; i++)
		if (modiso_thread_preempt(task) != 0 ||
		    modiso_thread_resume(task) != 0)
			break;
	atomic_store(&sealed_off, i == 1000);
	syscall(SYS_exit, 0);
	return unused;
}

static void freeze_by_itself(int signo)
{
	pthread_t thread;

	(void)signo;
	must(!pthread_create(&thread, NULL, hooks_without_calls, NULL));
	must(!pthread_join(thread, NULL));
}

MODISO_CALL static uintptr_t serve_signal(uintptr_t value)
{
	(void)value;
	must_eq(pthread_kill(pthread_self(), SIGUSR1), 0);
	return 0;
}

START_TEST(test_no_system_call)
{
	const struct sigaction action = {.sa_handler = freeze_by_itself};

	make_scene();
	must(!sigaction(SIGUSR1, &action, NULL));
	expect(MODISO_OK, modiso_thread_self(&task));
	if (_i == 0) {
		must_eq(enter(make_gate(module, poke_tkill),
			      (uintptr_t)proc_gettid(), SIGUSR1),
			0);
	} else {
		service = (CALLED(uintptr_t, uintptr_t))make_service(
			"signal", serve_signal);
		must_eq(enter(work_gate, W(region_bytes(data)), 1), 0);
	}
	must(sealed_off);
}
END_TEST

START_TEST(test_refused)
{
	struct modiso_options options = {.struct_size = sizeof(options)};
	struct modiso_thread *thread = NULL;
	int local;

	options.exclusion = 2;
	expect(MODISO_ERR_INVAL, modiso_init(&options));
	expect(MODISO_ERR_STATE, modiso_thread_self(&thread));
	expect(MODISO_ERR_STATE, modiso_thread_preempt(thread));
	expect(MODISO_ERR_STATE, modiso_thread_resume(thread));
	expect(MODISO_ERR_STATE, modiso_thread_abandon(thread, NULL, NULL));
	world_start();
	expect(MODISO_ERR_INVAL, modiso_thread_self(NULL));
	expect(MODISO_OK, modiso_thread_self(&thread));
	expect(MODISO_ERR_STATE, modiso_thread_preempt(thread));
	expect(MODISO_ERR_STATE, modiso_thread_resume(thread));
	expect(MODISO_ERR_NOENT, modiso_thread_abandon(thread, NULL, NULL));
	world_stop();
	start_external();
	expect(MODISO_ERR_INVAL, modiso_thread_preempt(NULL));
	expect(MODISO_ERR_INVAL, modiso_thread_resume(NULL));
	expect(MODISO_ERR_INVAL, modiso_thread_abandon(NULL, NULL, NULL));
	expect(MODISO_ERR_NOENT, modiso_thread_preempt((void *)&local));
	expect(MODISO_OK, modiso_thread_self(&thread));
	expect(MODISO_OK, modiso_thread_preempt(thread));
	expect(MODISO_OK, modiso_thread_resume(thread));
	expect(MODISO_ERR_NOENT,
	       modiso_thread_preempt((void *)((char *)thread + 8)));
	expect(MODISO_OK, modiso_thread_detach());
	expect(MODISO_ERR_NOENT, modiso_thread_preempt(thread));
	world_stop();
}
END_TEST

static void *enter_beside(void *unused)
{
	while (!atomic_load(&spinning))
		sched_yield();
	enter(other_gate, W(region_bytes(others)));
	return unused;
}

static void two_at_a_time(void *unused)
{
	(void)unused;
	make_scene();
	thread_start(enter_beside, NULL);
	enter(make_gate(module, spin), W(&spinning));
}

/* The host breaks its word: told in words, and nothing is opened. */
START_TEST(test_two_at_a_time)
{
	char text[1024];

	if (on_pkey())
		return; /* rights are each thread's own */
	must_die(child_output(two_at_a_time, NULL, text, sizeof(text)),
		 SIGABRT);
	must(strstr(text, "two threads run at a time"));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("schedule");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_refused);
	add_test_but_tsan(tcase, test_freeze_anywhere, STEPPED);
	tcase_add_test(tcase, test_enter);
	add_loop_test_but_tsan(tcase, test_no_system_call, 0, 2,
			       "it makes system calls of its own");
	add_test_but_tsan(tcase, test_two_at_a_time,
			  "no threads in the child of a fork beside threads");
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
