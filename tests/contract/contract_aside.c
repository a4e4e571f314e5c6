/* SPDX-License-Identifier: MIT */
/*
 * contract_aside - host code that wants memory which a module's call has closed
 * does not wait for the end of that call, which may never come: the module is
 * interrupted, and goes on afterwards as if nothing had been.
 *
 * With keys nobody is in anybody's way; the same must come out.
 */
#include "support/world.h"
#include "support/proc.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

static struct modiso_module *module;
static struct modiso_region *data, *hosts;
static struct modiso_gate *loop;

struct shared {
	atomic_ulong turns;
	atomic_bool stop;
};

/* Ends when it is told, by somebody who may write there. */
MODULE_CODE static uintptr_t turn(struct shared *shared, uintptr_t value)
{
	while (!atomic_load(&shared->stop))
		atomic_fetch_add(&shared->turns, 1);
	return value;
}

static void make_scene(uint32_t exclusion)
{
	struct modiso_options options = {
		.struct_size = sizeof(options),
		.exclusion = exclusion,
	};

	expect(MODISO_OK, modiso_init(&options));
	module = make_module("module");
	data = make_region(module, PAGE, "data");
	hosts = make_region(NULL, PAGE, "host's");
	loop = make_gate(module, turn);
}

static void stop(void)
{
	expect(MODISO_OK, modiso_region_destroy(hosts));
	expect(MODISO_OK, modiso_module_destroy(module));
	world_stop();
}

static struct shared *shared(void)
{
	return (struct shared *)(void *)region_bytes(data);
}

/* Words that nobody closes; the module may write them under GUARD. */
static struct shared outside;
static atomic_ulong rounds_done;

static void *touch(void *unused)
{
	unsigned long turns = 0, rounds = run_times(30, 5);

	for (unsigned long i = 0; i < rounds; i++) {
		/* The module goes on in between. */
		while (atomic_load(&outside.turns) == turns)
			sched_yield();
		region_bytes(hosts)[0]++;
		must(region_bytes(hosts)[1] == 0);
		turns = atomic_load(&outside.turns);
		atomic_fetch_add(&rounds_done, 1);
	}
	atomic_store(&outside.stop, true);
	return unused;
}

/* An endless loop in a module stops no host thread, attached or not. */
START_TEST(test_touch)
{
	pthread_t thread;

	make_scene((uint32_t)_i);
	atomic_store(&outside.turns, 0);
	thread = thread_start(touch, NULL);
	must_eq(enter(loop, W(&outside), 77), 77);
	thread_join(thread);
	must_eq(region_bytes(hosts)[0],
		(unsigned char)atomic_load(&rounds_done));
	stop();
}
END_TEST

/* What it touches last is the module's own: so it can end the loop. */
static void *end_it(void *unused)
{
	while (atomic_load(&shared()->turns) == 0)
		sched_yield();
	atomic_store(&shared()->stop, true);
	return unused;
}

START_TEST(test_modules_own)
{
	pthread_t thread;

	make_scene((uint32_t)_i);
	thread = thread_start(end_it, NULL);
	must_eq(enter(loop, W(shared()), 78), 78);
	thread_join(thread);
	stop();
}
END_TEST

static void *open_window(void *unused)
{
	while (atomic_load(&outside.turns) == 0)
		sched_yield();
	expect(MODISO_OK, modiso_window_open(hosts, RW));
	region_bytes(hosts)[0] = 9;
	expect(MODISO_OK, modiso_window_close(hosts));
	atomic_store(&outside.stop, true);
	return unused;
}

START_TEST(test_window)
{
	pthread_t thread;

	make_scene(MODISO_EXCLUSION_INTERNAL);
	atomic_store(&outside.turns, 0);
	thread = thread_start(open_window, NULL);
	must_eq(enter(loop, W(&outside), 79), 79);
	thread_join(thread);
	must_eq(region_bytes(hosts)[0], 9);
	stop();
}
END_TEST

/* --- beside signals --- */

static atomic_ulong handled;

static void count(int signo)
{
	(void)signo;
	region_bytes(hosts)[2]++;
	atomic_fetch_add(&handled, 1);
}

static pthread_t looping;

static void *touch_and_signal(void *unused)
{
	unsigned long rounds = run_times(30, 5);

	while (atomic_load(&outside.turns) == 0)
		sched_yield();
	for (unsigned long i = 0; i < rounds; i++) {
		unsigned long before = atomic_load(&handled);

		must(pthread_kill(looping, SIGUSR1) == 0);
		region_bytes(hosts)[0]++;
		while (atomic_load(&handled) == before)
			sched_yield();
	}
	atomic_store(&outside.stop, true);
	return unused;
}

START_TEST(test_with_handlers)
{
	const struct sigaction action = {.sa_handler = count};
	pthread_t thread;

	make_scene(MODISO_EXCLUSION_INTERNAL);
	must(sigaction(SIGUSR1, &action, NULL) == 0);
	atomic_store(&outside.turns, 0);
	looping = pthread_self();
	thread = thread_start(touch_and_signal, NULL);
	must_eq(enter(loop, W(&outside), 80), 80);
	thread_join(thread);
	must_eq(atomic_load(&handled), run_times(30, 5));
	stop();
}
END_TEST

/* --- many --- */

#define CALLERS 3

static atomic_int looping_count;

static void *call_loop(void *value)
{
	must_eq(enter(loop, W(&outside), W(value)), value);
	atomic_fetch_sub(&looping_count, 1);
	return NULL;
}

/* All threads that are in the module leave it, and all come back. */
START_TEST(test_several)
{
	pthread_t callers[CALLERS], thread;

	make_scene(MODISO_EXCLUSION_INTERNAL);
	atomic_store(&outside.turns, 0);
	for (uintptr_t i = 0; i < CALLERS; i++)
		callers[i] = thread_start(call_loop, (void *)(i + 1));
	thread = thread_start(touch, NULL);
	thread_join(thread);
	for (int i = 0; i < CALLERS; i++)
		thread_join(callers[i]);
	stop();
}
END_TEST

/* The signal that asks is the library's, and the program's is the program's. */
static atomic_int came;

static void note(int signo, siginfo_t *info, void *context)
{
	(void)context;
	must_eq(signo, SIGFPE);
	must_eq(info->si_code, SI_QUEUE);
	atomic_fetch_add(&came, 1);
}

START_TEST(test_programs_own_signal)
{
	const struct sigaction action = {
		.sa_sigaction = note,
		.sa_flags = SA_SIGINFO,
	};
	const union sigval value = {.sival_int = 5};
	pthread_t thread;

	make_scene(MODISO_EXCLUSION_INTERNAL);
	must(sigaction(SIGFPE, &action, NULL) == 0);
	atomic_store(&outside.turns, 0);
	thread = thread_start(touch, NULL);
	must(pthread_sigqueue(pthread_self(), SIGFPE, value) == 0);
	must_eq(enter(loop, W(&outside), 81), 81);
	thread_join(thread);
	must_eq(atomic_load(&came), 1);
	stop();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("aside");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_touch, MODISO_EXCLUSION_INTERNAL,
			    MODISO_EXCLUSION_EXTERNAL + 1);
	tcase_add_loop_test(tcase, test_modules_own, MODISO_EXCLUSION_INTERNAL,
			    MODISO_EXCLUSION_EXTERNAL + 1);
	tcase_add_test(tcase, test_window);
	tcase_add_test(tcase, test_with_handlers);
	tcase_add_test(tcase, test_several);
	tcase_add_test(tcase, test_programs_own_signal);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
