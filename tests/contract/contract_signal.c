/* SPDX-License-Identifier: MIT */
/*
 * contract_signal - the host's own signals come at any moment, in the host, in
 * a gate, in a module, in a fault: the handler runs with the host's rights to
 * what is in no region, and the thread goes on where it was.
 */
#include "support/stayer.h"
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static struct modiso_module *module, *other;
static struct modiso_region *data, *hosts;

static void make_scene(void)
{
	module = world_module();
	other = make_module("other");
	data = make_region(module, PAGE, "data");
	hosts = make_region(NULL, PAGE, "host's");
}

/* --- the storm --- */

static atomic_ulong rung;
static _Thread_local volatile unsigned long rung_here;
static unsigned char scratch[4096];

static void ring(int signo)
{
	int saved = errno;

	(void)signo;
	atomic_fetch_add(&rung, 1);
	rung_here++;
	__atomic_fetch_add(&scratch[rung_here % sizeof(scratch)], 1,
			   __ATOMIC_RELAXED);
	errno = 0;
	(void)!getppid();
	errno = saved;
}

/* @flags: SA_ONSTACK or not; SA_RESTART. */
static void install(int signo, int flags)
{
	struct sigaction action = {.sa_handler = ring, .sa_flags = flags};

	must(!sigaction(signo, &action, NULL));
}

static timer_t clock_timer(int signo)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
				 .sigev_signo = signo};
	long interval = (long)run_times(100000, 2000000);
	const struct itimerspec often = {{0, interval}, {0, interval}};
	timer_t timer;

	must(!timer_create(CLOCK_MONOTONIC, &event, &timer));
	must(!timer_settime(timer, 0, &often, NULL));
	return timer;
}

MODULE_CODE static uintptr_t spin(uintptr_t rounds)
{
	volatile uintptr_t sum = 0;
	uintptr_t i;

	for (i = 0; i < rounds; i++)
		sum += i;
	return sum;
}

static uintptr_t (*volatile service)(uintptr_t);

static uintptr_t serve(uintptr_t value)
{
	region_bytes(hosts)[1]++;
	return value + 1;
}

MODULE_CODE static uintptr_t call_service(uintptr_t value)
{
	uintptr_t i;

	for (i = 0; i < 20; i++)
		value = service(value);
	return value;
}

/* A bit of everything, all of it checked. */
static void work(unsigned long i)
{
	static struct modiso_gate *spin_gate, *service_gate, *load, *other_load;
	unsigned char *byte = region_bytes(hosts);

	if (!spin_gate) {
		spin_gate = make_gate(module, spin);
		service_gate = make_gate(module, call_service);
		load = make_gate(module, poke_load1);
		other_load = make_gate(other, poke_load1);
	}
	must_eq(enter(spin_gate, 1000), 499500);
	must_eq(enter(service_gate, i), i + 20);
	must_blame(enter_fault(module, load, W(byte)), MODISO_READ, byte,
		   hosts);
	must_blame(enter_fault(other, other_load, W(region_bytes(data))),
		   MODISO_READ, region_bytes(data), data);
	must_eq(enter(load, W(region_bytes(data))), 0);
	region_bytes(hosts)[2]++;
}

static void storm(int flags)
{
	unsigned long wanted = run_times(5000, 200), i = 0;
	timer_t timer;

	make_scene();
	service = (uintptr_t(*)(uintptr_t))make_service("serve", serve);
	install(SIGALRM, flags);
	timer = clock_timer(SIGALRM);
	while (atomic_load(&rung) < wanted)
		work(i++);
	must(!timer_delete(timer));
	must_eq(modiso_fault_count(), 2 * i);
	must_eq(region_bytes(hosts)[1], (unsigned char)(20 * i));
	must_eq(region_bytes(hosts)[2], (unsigned char)i);
	must_eq(rung_here, atomic_load(&rung));
}

START_TEST(test_storm)
{
	storm(_i ? SA_ONSTACK | SA_RESTART : SA_ONSTACK);
}
END_TEST

/* A handler that asks for no stack of its own must not kill the program. */
START_TEST(test_storm_plain)
{
	storm(SA_RESTART);
}
END_TEST

/* --- from other threads --- */

static atomic_bool work_done;
static pthread_t victims[3];
static atomic_int victims_running;

static void *victim(void *gate)
{
	uintptr_t i = 0;

	atomic_fetch_add(&victims_running, 1);
	while (!atomic_load(&work_done)) {
		must_eq(enter(gate, 1000), 499500);
		if (++i % 8 == 0)
			enter_fault(module, make_gate(module, poke_ud2), 0);
		if (i % 8 == 1)
			__atomic_fetch_add(&region_bytes(hosts)[64], 1,
					   __ATOMIC_RELAXED);
	}
	must(rung_here > 0);
	return NULL;
}

START_TEST(test_from_siblings)
{
	unsigned long n = run_times(20000, 600), i;

	make_scene();
	install(SIGUSR1, SA_ONSTACK);
	for (i = 0; i < 3; i++)
		victims[i] = thread_start(victim,
					  make_gate(i ? module : other, spin));
	while (atomic_load(&victims_running) < 3)
		sched_yield();
	for (i = 0; i < n || atomic_load(&rung) < 30; i++) {
		must_eq(pthread_kill(victims[i % 3], SIGUSR1), 0);
		if (i % 64 == 0)
			sched_yield();
	}
	atomic_store(&work_done, true);
	for (i = 0; i < 3; i++)
		thread_join(victims[i]);
}
END_TEST

/* --- exactly there --- */

/* The handler runs while the module is inside, and the module goes on. */
static volatile int inside, handled;
static volatile uintptr_t handler_stack;

static void handle(int signo)
{
	(void)signo;
	handler_stack = W(&signo);
	scratch[1] = 77;
	handled = 1;
}

MODULE_CODE static uintptr_t wait_for_handler(uintptr_t address)
{
	uintptr_t after;

	inside = 1;
	while (!handled)
		sched_yield();
	/* Its rights are as they were, no fewer and no more. */
	after = poke_load1((const void *)address);
	return after + scratch[1];
}

static void *inside_thread(void *gate)
{
	must_eq(enter(gate, W(region_bytes(data))), 5 + 77);
	return NULL;
}

static void *inside_and_out_thread(void *gate)
{
	unsigned char *byte = region_bytes(hosts);

	must_blame(enter_fault(module, gate, W(byte)), MODISO_READ, byte,
		   hosts);
	return NULL;
}

static void signal_inside(void *(*body)(void *), int flags)
{
	struct sigaction action = {.sa_handler = handle, .sa_flags = flags};
	pthread_t thread;

	make_scene();
	region_bytes(data)[0] = 5;
	must(!sigaction(SIGUSR1, &action, NULL));
	thread = thread_start(body, make_gate(module, wait_for_handler));
	while (!inside)
		sched_yield();
	must_eq(pthread_kill(thread, SIGUSR1), 0);
	thread_join(thread);
	must(handled);
}

START_TEST(test_inside_module)
{
	signal_inside(inside_thread, _i ? 0 : SA_ONSTACK);
}
END_TEST

START_TEST(test_no_rights_left_over)
{
	signal_inside(inside_and_out_thread, _i ? 0 : SA_ONSTACK);
}
END_TEST

/* Guarded memory from a handler that interrupted host code. */
static void touch_guarded(int signo)
{
	(void)signo;
	region_bytes(hosts)[7]++;
	handled++;
}

START_TEST(test_guarded_from_handler)
{
	struct sigaction action = {.sa_handler = touch_guarded,
				   .sa_flags = _i ? 0 : SA_ONSTACK};
	int i;

	make_scene();
	must_eq(enter(make_gate(module, spin), 3), 3);
	must(!sigaction(SIGUSR1, &action, NULL));
	for (i = 0; i < 5; i++) {
		raise(SIGUSR1);
		must_eq(handled, i + 1);
		region_bytes(hosts)[8]++;
		must_eq(enter(make_gate(module, spin), 3), 3);
	}
	must_eq(region_bytes(hosts)[7], 5);
	must_eq(region_bytes(hosts)[8], 5);
	must_eq(modiso_fault_count(), 0);
}
END_TEST

/* --- nothing is cut short --- */

/* A service that reads from a pipe is restarted, as it asked to be. */
static int ends[2];

static uintptr_t read_pipe(uintptr_t value)
{
	char byte = 0;
	ssize_t got = read(ends[0], &byte, 1);

	return got == 1 && byte == 'b' ? value + 1 : 1000;
}

static atomic_int reader_tid;

static void *reader(void *gate)
{
	atomic_store(&reader_tid, proc_gettid());
	must_eq(enter(gate, 0), 20);
	return NULL;
}

START_TEST(test_restarted)
{
	unsigned long n = run_times(200, 20);
	pthread_t thread;
	char bytes[20];

	make_scene();
	must(!pipe(ends));
	service = (uintptr_t(*)(uintptr_t))make_service("read", read_pipe);
	install(SIGUSR1, SA_ONSTACK | SA_RESTART);
	thread = thread_start(reader, make_gate(module, call_service));
	while (!atomic_load(&reader_tid))
		sched_yield();
	while (n--) {
		proc_wait_asleep(atomic_load(&reader_tid));
		must_eq(pthread_kill(thread, SIGUSR1), 0);
	}
	memset(bytes, 'b', sizeof(bytes));
	must_eq(write(ends[1], bytes, sizeof(bytes)), sizeof(bytes));
	thread_join(thread);
	must(atomic_load(&rung) > 0);
}
END_TEST

/* Waiting for another module's turn is not cut short either (mprotect). */
static void *wait_thread(void *gate)
{
	atomic_store(&reader_tid, proc_gettid());
	must_eq(enter(gate, 3), 3);
	region_bytes(hosts)[3] = 3;
	return NULL;
}

START_TEST(test_waiting_goes_on)
{
	unsigned long n = run_times(200, 20);
	pthread_t stayer, waiter;

	make_scene();
	install(SIGUSR1, SA_ONSTACK);
	stayer = stayer_start(module);
	waiter = thread_start(wait_thread, make_gate(other, spin));
	while (!atomic_load(&reader_tid))
		sched_yield();
	while (n--) {
		proc_wait_asleep(atomic_load(&reader_tid));
		must_eq(pthread_kill(waiter, SIGUSR1), 0);
	}
	must(atomic_load(&rung) > 0);
	stayers_leave();
	thread_join(stayer);
	thread_join(waiter);
	must_eq(region_bytes(hosts)[3], 3);
}
END_TEST

/* Its own sigaction() would put them off until the module is left. */
#define HANGS "a handler that interrupts its locks waits for them"

static Suite *make_suite(void)
{
	Suite *suite = suite_create("signal");
	TCase *tcase = tcase_create("contract");

	add_loop_test_but_tsan(tcase, test_storm, 0, 2, HANGS);
	add_test_but_tsan(tcase, test_storm_plain, HANGS);
	add_test_but_tsan(tcase, test_from_siblings, HANGS);
	tcase_add_loop_test(tcase, test_inside_module, 0, 2);
	tcase_add_loop_test(tcase, test_no_rights_left_over, 0, 2);
	tcase_add_loop_test(tcase, test_guarded_from_handler, 0, 2);
	tcase_add_test(tcase, test_restarted);
	if (!on_pkey())
		tcase_add_test(tcase, test_waiting_goes_on);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
