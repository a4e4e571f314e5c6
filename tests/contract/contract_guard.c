/* SPDX-License-Identifier: MIT */
/*
 * contract_guard - system calls of a guarded module are stopped, from wherever
 * it makes them, and everything else goes on as if there were no guard.
 */
#include "contract/guard_scene.h"
#include "support/poke.h"
#include "support/proc.h"
#include "support/stayer.h"

#include "arch/x86_64/signal.h"

#include <linux/audit.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* The restorer's system call: behind "mov $15, %rax". */
static const void *own_place(void)
{
	return (const char *)(uintptr_t)mdi_signal_restorer + 7;
}

START_TEST(test_stopped)
{
	static const unsigned calls[] = {SYS_getpid, SYS_rt_sigreturn,
					 SYS_clone,  SYS_prctl,
					 SYS_exit_group, 0xffffffff,
					 SYS_getpid | 0x40000000};
	const void *places[3] = {guard_syscall, own_place(), NULL};

	make_scene();
	must(guard_places("libc.so", &places[2], 1) == 1);
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		for (size_t j = 0; j < 3; j++) {
			const uintptr_t *args =
				guard_args(1, 2, 3, 4, 5, calls[i]);

			must_stop(calls[i], args, places[j]);
		}
	must_eq(getppid() > 0, 1);
}
END_TEST

START_TEST(test_record)
{
	const struct modiso_fault *fault;
	uintptr_t *args;

	make_scene();
	args = guard_args(11, 12, 13, 14, 15, 16);
	fault = enter_fault(module, call_gate, SYS_getpid, W(args),
			    W(guard_syscall));
	must_eq(fault->signo, SIGSYS);
	must_eq(fault->syscall_arch, AUDIT_ARCH_X86_64);
	for (unsigned i = 0; i < 6; i++)
		must_eq(fault->syscall_args[i], 11 + i);
	fault = enter_fault(module, call_gate, 20, W(args), W(guard_int80));
	must_eq(fault->kind, MODISO_FAULT_SYSCALL);
	must_eq(fault->syscall_number, 20);
	must_eq(fault->syscall_arch, AUDIT_ARCH_I386);
	must_eq(fault->syscall_args[0], 11);
	must_eq(fault->syscall_args[1], 12);
	must_eq(fault->syscall_args[2], 13);
	/* The thread's next record has nothing of this one. */
	fault = enter_fault(module, make_gate(module, poke_load1), 8);
	must_eq(fault->kind, MODISO_FAULT_UNMAPPED);
	must_eq(fault->syscall_arch, 0);
	must_eq(fault->syscall_number, 0);
	must_eq(fault->syscall_args[1], 0);
	must_eq(fault->permitted, 0);
}
END_TEST

START_TEST(test_again_and_again)
{
	unsigned long n = run_times(2000, 200);
	struct modiso_gate *add;
	uintptr_t *args;

	make_scene();
	add = make_gate(module, module_add_one);
	args = guard_args(1, 2, 3, 4, 5, 6);
	while (n--) {
		must_stop(SYS_getpid, args, guard_syscall);
		must_eq(enter(add, n), n + 1);
		must(getppid() > 0);
	}
}
END_TEST

/* --- handlers that interrupt --- */

static atomic_ulong handled;

static void handle(int signo)
{
	(void)signo;
	atomic_fetch_add(&handled, 1);
	must(getppid() > 0);
	atomic_fetch_add((atomic_ulong *)region_bytes(hosts), 1);
}

static void storm(long us)
{
	struct sigaction action = {.sa_handler = handle,
				   .sa_flags = SA_RESTART};
	const struct itimerval often = {{0, us}, {0, us}};

	must(!sigaction(SIGALRM, &action, NULL));
	must(!setitimer(ITIMER_REAL, &often, NULL));
}

START_TEST(test_interrupted)
{
	struct modiso_gate *work;
	unsigned long wanted = run_times(1000, 50);

	make_scene();
	work = make_gate(module, guard_work);
	storm((long)run_times(100, 2000));
	while (atomic_load(&handled) < wanted) {
		must_eq(enter(work, 10, 20000), 0);
		must_stop(SYS_getpid, guard_args(1, 2, 3, 4, 5, 6),
			  guard_syscall);
	}
}
END_TEST

/* What is none of it. */
START_TEST(test_unknown)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.syscalls = MODISO_SYSCALLS_LOG + 1,
	};
	struct modiso_module *made = UNTOUCHED;

	world_start();
	expect(MODISO_ERR_INVAL,
	       modiso_module_create("unknown", &options, &made));
	must(made == UNTOUCHED);
}
END_TEST

/*
 * A guard that is asked for while threads are inside of modules, this one among
 * them: it is there from the first call on.
 */
static uintptr_t (*ask_late)(uintptr_t);

static uintptr_t make_and_enter(uintptr_t value)
{
	module = make_guarded("late");
	own = make_region(module, PAGE, "own");
	call_gate = make_gate(module, guard_call);
	must_stop(SYS_getpid, guard_args(1, 2, 3, 4, 5, 6), guard_syscall);
	must(getppid() > 0);
	return value + 1;
}

MODULE_CODE static uintptr_t call_late(uintptr_t value)
{
	return ask_late(value) + 1;
}

static void *enter_guarded(void *unused)
{
	must_stop(SYS_getpid, (uintptr_t *)region_bytes(own), guard_syscall);
	return unused;
}

START_TEST(test_asked_late)
{
	pthread_t stayer;

	world_start();
	open_module = make_module("open");
	stayer = stayer_start(open_module);
	ask_late = (uintptr_t(*)(uintptr_t))make_service("late",
							 make_and_enter);
	must_eq(enter(make_gate(open_module, call_late), 40), 42);
	must_stop(SYS_getpid, guard_args(1, 2, 3, 4, 5, 6), guard_syscall);
	thread_join(thread_start(enter_guarded, NULL));
	must_eq(enter(make_gate(open_module, module_add_one), 1), 2);
	stayers_leave();
	thread_join(stayer);
	must(getppid() > 0);
}
END_TEST

/*
 * Four guarded threads, and signals to each of them all the time: one after
 * the other as they are handled, or for MODISO_TEST_SECONDS ("make
 * stress-pkey": 60) 10,000 a second.
 */
#define STORM_HZ 10000l

static atomic_bool over;
static atomic_ulong rounds;

static void *work_in_storm(void *unused)
{
	struct modiso_gate *work = make_gate(module, guard_work);
	struct modiso_gate *call = make_gate(module, guard_call);
	const uintptr_t *args = (uintptr_t *)region_bytes(own);

	(void)unused;
	while (!atomic_load(&over)) {
		must_eq(enter(work, 5, 2000), 0);
		must_eq(enter_fault(module, call, SYS_getpid, W(args),
				    W(guard_syscall))
				->kind,
			MODISO_FAULT_SYSCALL);
		must(getppid() > 0);
		atomic_fetch_add(&rounds, 1);
	}
	return NULL;
}

static void send_handled(const pthread_t threads[4])
{
	unsigned long wanted = run_times(5000, 300);

	for (unsigned long i = 0;
	     i < wanted || atomic_load(&rounds) < wanted / 10; i++) {
		must(!pthread_kill(threads[i % 4], SIGUSR1));
		while (atomic_load(&handled) < i / 2)
			sched_yield();
	}
}

/* At their times, and late ones at once. */
static void send_for(const pthread_t threads[4], unsigned long seconds)
{
	struct timespec next;
	unsigned long i = 0;

	must(!clock_gettime(CLOCK_MONOTONIC, &next));
	for (; i < seconds * STORM_HZ; i++) {
		must(!pthread_kill(threads[i % 4], SIGUSR1));
		next.tv_nsec += 1000000000l / STORM_HZ;
		if (next.tv_nsec >= 1000000000l) {
			next.tv_nsec -= 1000000000l;
			next.tv_sec++;
			test_gets_on(atomic_load(&rounds));
		}
		(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next,
				      NULL);
	}
	printf("# %lu signals sent, %lu handled, %lu rounds\n", i,
	       atomic_load(&handled), atomic_load(&rounds));
}

START_TEST(test_storm)
{
	unsigned long seconds = run_asked("MODISO_TEST_SECONDS");
	struct sigaction action = {.sa_handler = handle};
	pthread_t threads[4];

	make_scene();
	must(!sigaction(SIGUSR1, &action, NULL));
	for (int i = 0; i < 4; i++)
		threads[i] = thread_start(work_in_storm, NULL);
	if (seconds)
		send_for(threads, seconds);
	else
		send_handled(threads);
	atomic_store(&over, true);
	for (int i = 0; i < 4; i++)
		thread_join(threads[i]);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("guard");
	TCase *tcase = tcase_create("contract");

	suite_add_tcase(suite, tcase);
	if (guard_missing(tcase))
		return suite;
	tcase_add_test(tcase, test_unknown);
	tcase_add_test(tcase, test_stopped);
	tcase_add_test(tcase, test_record);
	tcase_add_test(tcase, test_again_and_again);
	tcase_add_test(tcase, test_interrupted);
	tcase_add_test(tcase, test_asked_late);
	tcase_add_test(tcase, test_storm);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
