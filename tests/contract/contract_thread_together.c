/* SPDX-License-Identifier: MIT */
/*
 * contract_thread_together - threads in modules at the same time, beside each
 * other and beside the host.
 */
#include "contract/thread_scene.h"
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

enum { MANY = 8 };

/* Unregistered, so that modules may write here. */
static atomic_int arrived, wanted;
static atomic_int running[2], mixed;

MODULE_CODE static uintptr_t meet(uintptr_t value)
{
	atomic_fetch_add(&arrived, 1);
	while (atomic_load(&arrived) < atomic_load(&wanted))
		sched_yield();
	return value;
}

static void *meet_thread(void *gate)
{
	must_eq(enter(gate, 7), 7);
	return NULL;
}

/* Each of them waits inside for all the others to be inside as well. */
static void check_meeting(struct modiso_gate **gates, int count)
{
	pthread_t threads[MANY];
	int i;

	atomic_store(&arrived, 0);
	atomic_store(&wanted, count);
	for (i = 0; i < count; i++)
		threads[i] = thread_start(meet_thread, gates[i]);
	for (i = 0; i < count; i++)
		thread_join(threads[i]);
}

START_TEST(test_same_module_at_once)
{
	struct modiso_gate *gates[MANY];
	int i;

	make_scene();
	for (i = 0; i < MANY; i++)
		gates[i] = make_gate(module, meet);
	for (i = 0; i < 20; i++)
		check_meeting(gates, i % (MANY - 1) + 2);
}
END_TEST

START_TEST(test_two_modules_at_once)
{
	struct modiso_gate *gates[MANY];
	int i;

	make_scene();
	for (i = 0; i < MANY; i++)
		gates[i] = make_gate(i % 2 ? module : other, meet);
	for (i = 0; i < 20; i++)
		check_meeting(gates, i % (MANY - 1) + 2);
}
END_TEST

/*
 * With mprotect the same two never are inside together. (One that stands aside
 * for the host would look as if it was inside.)
 */
MODULE_CODE static uintptr_t alone(uintptr_t which)
{
	int i;

	atomic_fetch_add(&running[which], 1);
	for (i = 0; i < 20; i++) {
		if (atomic_load(&running[!which]))
			atomic_fetch_add(&mixed, 1);
		sched_yield();
	}
	atomic_fetch_sub(&running[which], 1);
	return which;
}

static struct modiso_gate *alone_gates[2];

static void *alone_thread(void *which)
{
	unsigned long n = run_times(500, 50);

	while (n--) {
		must_eq(enter(alone_gates[W(which)], W(which)), which);
		if (n % 50 == 0)
			enter_fault(W(which) ? other : module,
				    make_gate(W(which) ? other : module,
					      poke_load1),
				    W(region_bytes(hosts)));
	}
	return NULL;
}

START_TEST(test_one_module_at_a_time)
{
	pthread_t threads[4];
	uintptr_t i;

	make_scene_without_walks();
	alone_gates[0] = make_gate(module, alone);
	alone_gates[1] = make_gate(other, alone);
	for (i = 0; i < 4; i++)
		threads[i] = thread_start(alone_thread, (void *)(i % 2));
	for (i = 0; i < 4; i++)
		thread_join(threads[i]);
	must_eq(atomic_load(&mixed), 0);
}
END_TEST

static void *touch_thread(void *write)
{
	unsigned char *bytes = region_bytes(hosts);

	if (write)
		bytes[9] = 9;
	must_eq(bytes[9], write ? 9 : 0);
	atomic_store(&touched, 1);
	return NULL;
}

/* While the module is inside; mprotect: which stands aside meanwhile. */
START_TEST(test_host_beside_module)
{
	pthread_t stayer, toucher;

	make_scene();
	stayer = thread_start(meet_thread, make_gate(module, stay));
	while (!inside)
		sched_yield();
	toucher = thread_start(touch_thread, _i ? hosts : NULL);
	thread_join(toucher);
	must(atomic_load(&touched));
	leave = 1;
	thread_join(stayer);
}
END_TEST

static atomic_bool workers_done;

static void *host_worker(void *slot)
{
	volatile uint64_t *counter =
		(volatile uint64_t *)region_bytes(hosts) + 1 + W(slot);
	unsigned long n = run_times(20000, 1000);

	while (n--)
		++*counter;
	return NULL;
}

static void *module_worker(void *gate)
{
	uintptr_t value = 0;

	while (!atomic_load(&workers_done)) {
		must_eq(enter(gate, value), value + 1);
		value++;
	}
	return NULL;
}

static void *fault_worker(void *times)
{
	struct modiso_gate *gate = make_gate(module, poke_store1);
	unsigned char *byte = region_bytes(hosts);
	uintptr_t n = W(times), i;

	for (i = 0; i < n; i++)
		must_blame(enter_fault(module, gate, W(byte), 1), MODISO_WRITE,
			   byte, hosts);
	must_eq(modiso_fault_count(), n);
	return NULL;
}

/* One thread faults again and again; nobody else loses a thing. */
START_TEST(test_everybody_works)
{
	pthread_t hosts_own[3], modules_own[3], faulty;
	uintptr_t i;

	make_scene();
	for (i = 0; i < 3; i++) {
		hosts_own[i] = thread_start(host_worker, (void *)i);
		modules_own[i] = thread_start(
			module_worker,
			make_gate(i ? module : other, module_add_one));
	}
	faulty = thread_start(fault_worker,
			      (void *)(uintptr_t)run_times(10000, 1000));
	thread_join(faulty);
	for (i = 0; i < 3; i++)
		thread_join(hosts_own[i]);
	atomic_store(&workers_done, true);
	for (i = 0; i < 3; i++) {
		thread_join(modules_own[i]);
		must_eq(((uint64_t *)region_bytes(hosts))[1 + i],
			run_times(20000, 1000));
	}
	must_eq(((uint64_t *)region_bytes(hosts))[0], 0);
	must_eq(modiso_fault_count(), 0);
}
END_TEST

/* Each thread is told of its own faults, and of each of them. */
START_TEST(test_faults_at_once)
{
	void *times = (void *)(uintptr_t)run_times(25000, 1000);
	pthread_t threads[4];
	int i;

	make_scene();
	for (i = 0; i < 4; i++)
		threads[i] = thread_start(fault_worker, times);
	for (i = 0; i < 4; i++)
		thread_join(threads[i]);
	must_eq(modiso_fault_count(), 0);
}
END_TEST

/* The C library interrupts every thread for this, those in modules too. */
START_TEST(test_setgid)
{
	pthread_t threads[3];
	int i;

	make_scene();
	for (i = 0; i < 3; i++)
		threads[i] = thread_start(meet_thread, make_gate(module, stay));
	while (!inside)
		sched_yield();
	for (i = 0; i < 20; i++)
		must(!setgid(getgid()));
	leave = 1;
	for (i = 0; i < 3; i++)
		thread_join(threads[i]);
	must_eq(modiso_fault_count(), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("thread_together");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_same_module_at_once);
	if (on_pkey())
		tcase_add_test(tcase, test_two_modules_at_once);
	else
		tcase_add_test(tcase, test_one_module_at_a_time);
	tcase_add_loop_test(tcase, test_host_beside_module, 0, 2);
	tcase_add_test(tcase, test_everybody_works);
	tcase_add_test(tcase, test_faults_at_once);
	add_test_but_tsan(tcase, test_setgid,
			  "its own thread would run the library's handler");
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
