/* SPDX-License-Identifier: MIT */
/*
 * contract_thread - rights are right on every thread: older than the library
 * or younger, many at once, and gone without a trace.
 */
#include "contract/thread_scene.h"
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

/* What any thread can do, and what no module can on any thread. */
static void use_everything(void)
{
	struct modiso_gate *load = make_gate(module, poke_load1);
	struct modiso_gate *store = make_gate(other, poke_store1);
	unsigned char *byte;

	region_bytes(hosts)[3]++;
	region_bytes(data)[3]++;
	region_bytes(others)[3]++;
	must_eq(enter(load, W(region_bytes(data))), 0);
	enter(store, W(region_bytes(others)), 0);
	byte = region_bytes(hosts);
	must_blame(enter_fault(module, load, W(byte)), MODISO_READ, byte,
		   hosts);
	must_blame(enter_fault(other, store, W(byte), 1), MODISO_WRITE, byte,
		   hosts);
	byte = region_bytes(others);
	must_blame(enter_fault(module, load, W(byte)), MODISO_READ, byte,
		   others);
	byte = region_bytes(data);
	must_blame(enter_fault(other, store, W(byte), 1), MODISO_WRITE, byte,
		   data);
	region_bytes(hosts)[4]++;
	must_eq(modiso_fault_count(), 4);
	expect(MODISO_OK, modiso_gate_destroy(load));
	expect(MODISO_OK, modiso_gate_destroy(store));
}

static pthread_barrier_t started, go;

static void *older_thread(void *how)
{
	pthread_barrier_wait(&started);
	pthread_barrier_wait(&go);
	switch (*(int *)how) {
	case 0: /* guarded memory first, and never a gate */
		region_bytes(hosts)[3]++;
		region_bytes(hosts)[4]++;
		break;
	case 1: /* a gate first */
		must_eq(enter(make_gate(module, module_add_one), 1), 2);
		/* fall through */
	default:
		use_everything();
	}
	return NULL;
}

START_TEST(test_older_than_library)
{
	int how = _i;
	pthread_t thread;

	pthread_barrier_init(&started, NULL, 2);
	pthread_barrier_init(&go, NULL, 2);
	thread = thread_start(older_thread, &how);
	pthread_barrier_wait(&started);
	make_scene();
	pthread_barrier_wait(&go);
	thread_join(thread);
	must_eq(region_bytes(hosts)[3], 1);
	must_eq(region_bytes(hosts)[4], 1);
}
END_TEST

/* Older than the second life of the library, used in the first one. */
static void *two_lives_thread(void *unused)
{
	pthread_barrier_wait(&go);
	use_everything();
	pthread_barrier_wait(&started);
	pthread_barrier_wait(&go);
	expect(MODISO_OK, modiso_thread_detach());
	pthread_barrier_wait(&started);
	pthread_barrier_wait(&go);
	must_eq(modiso_fault_count(), 4);
	region_bytes(hosts)[3]++;
	must_eq(enter(make_gate(module, module_add_one), 1), 2);
	enter_fault(module, make_gate(module, poke_load1),
		    W(region_bytes(hosts)));
	pthread_barrier_wait(&started);
	return unused;
}

START_TEST(test_two_lives)
{
	pthread_t thread;

	pthread_barrier_init(&started, NULL, 2);
	pthread_barrier_init(&go, NULL, 2);
	thread = thread_start(two_lives_thread, NULL);
	make_scene();
	pthread_barrier_wait(&go);
	pthread_barrier_wait(&started);
	expect(MODISO_OK, modiso_region_destroy(hosts));
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_module_destroy(other));
	/* The library does not end under a thread that it serves. */
	expect(MODISO_ERR_BUSY, modiso_fini());
	pthread_barrier_wait(&go);
	pthread_barrier_wait(&started);
	world_stop();
	make_scene();
	pthread_barrier_wait(&go);
	pthread_barrier_wait(&started);
	must_eq(region_bytes(hosts)[3], 1);
	thread_join(thread);
}
END_TEST

static void *younger_thread(void *unused)
{
	use_everything();
	return unused;
}

START_TEST(test_younger)
{
	int i;

	make_scene();
	for (i = 0; i < 5; i++)
		thread_join(thread_start(younger_thread, NULL));
	must_eq(region_bytes(hosts)[3], 5);
	must_eq(region_bytes(hosts)[4], 5);
}
END_TEST

/* A thread that a service makes is the host's, with all of its rights. */
static uintptr_t (MODISO_CALL *volatile service)(uintptr_t);

MODISO_CALL static uintptr_t make_thread(uintptr_t value)
{
	thread_join(thread_start(younger_thread, NULL));
	return value + 1;
}

MODULE_CODE static uintptr_t call_service(uintptr_t value)
{
	return service(value);
}

START_TEST(test_made_by_service)
{
	make_scene();
	service = (CALLED(uintptr_t, uintptr_t))make_service("make",
							    make_thread);
	must_eq(enter(make_gate(module, call_service), 1), 2);
	must_eq(region_bytes(hosts)[3], 1);
	must_eq(modiso_fault_count(), 0);
}
END_TEST

static void *short_life(void *how)
{
	uintptr_t value = W(how);

	if (value % 8 == 7)
		return NULL;
	must_eq(enter(make_gate(module, module_add_one), value), value + 1);
	if (value % 4 == 0)
		must_eq(enter(make_gate(other, module_add_one), value),
			value + 1);
	if (value % 4 == 1)
		enter_fault(module, make_gate(module, poke_load1), 0);
	if (value % 4 == 2)
		expect(MODISO_OK, modiso_thread_detach());
	return NULL;
}

static struct modiso_gate *life_gates[3];

static void *shorter_life(void *how)
{
	uintptr_t value = W(how);

	must_eq(enter(life_gates[value % 2], value), value + 1);
	if (value % 16 == 1)
		enter_fault(module, life_gates[2], 0);
	return NULL;
}

START_TEST(test_short_lives)
{
	/* A sanitizer's memory is not looked at, and takes its time. */
	uintptr_t n = run_times(100000, 1000), i;
	struct proc_usage before;
	pthread_t threads[4];

	make_scene();
	for (i = 0; i < 64; i++)
		thread_join(thread_start(short_life, (void *)i));
	life_gates[0] = make_gate(module, module_add_one);
	life_gates[1] = make_gate(other, module_add_one);
	life_gates[2] = make_gate(module, poke_load1);
	/* As many at once as in the loop below: stacks are pooled. */
	for (i = 0; i < 64; i++)
		threads[i % 4] = thread_start(shorter_life, (void *)i),
			    thread_join(threads[i % 4]);
	for (i = 0; i < 4; i++)
		threads[i] = thread_start(shorter_life, (void *)i);
	for (i = 0; i < 4; i++)
		thread_join(threads[i]);
	before = proc_usage();
	for (i = 0; i < n; i += 4) {
		threads[0] = thread_start(shorter_life, (void *)i);
		threads[1] = thread_start(shorter_life, (void *)(i + 1));
		threads[2] = thread_start(shorter_life, (void *)(i + 2));
		threads[3] = thread_start(shorter_life, (void *)(i + 3));
		thread_join(threads[0]);
		thread_join(threads[1]);
		thread_join(threads[2]);
		thread_join(threads[3]);
	}
	/* What as many at once need as ever met, not one for each that was. */
	proc_must_not_grow(&before, 64, 2048);
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_module_destroy(other));
	expect(MODISO_OK, modiso_region_destroy(hosts));
	world_stop();
}
END_TEST

START_TEST(test_attach_detach)
{
	struct proc_usage before;
	int i;

	make_scene();
	expect(MODISO_OK, modiso_thread_detach());
	expect(MODISO_OK, modiso_thread_attach());
	expect(MODISO_OK, modiso_thread_attach());
	use_everything();
	expect(MODISO_OK, modiso_thread_detach());
	expect(MODISO_OK, modiso_thread_detach());
	/* It happens by itself again, and the record is of the whole thread. */
	must_eq(enter(make_gate(module, module_add_one), 1), 2);
	must_eq(modiso_fault_count(), 4);
	before = proc_usage();
	for (i = 0; i < 200; i++) {
		expect(MODISO_OK, modiso_thread_detach());
		expect(MODISO_OK, modiso_thread_attach());
		must_eq(enter(make_gate(module, module_add_one), 1), 2);
	}
	proc_must_not_grow(&before, 0, 256);
}
END_TEST

static int service_code;

MODISO_CALL static uintptr_t detach_inside(uintptr_t value)
{
	service_code = modiso_thread_detach();
	return value + 1;
}

START_TEST(test_detach_in_service)
{
	make_scene();
	service = (CALLED(uintptr_t, uintptr_t))make_service("d", detach_inside);
	must_eq(enter(make_gate(module, call_service), 1), 2);
	must_eq(service_code, MODISO_ERR_BUSY);
	expect(MODISO_OK, modiso_thread_detach());
}
END_TEST

static sem_t attached, release;
static int limit_codes[8];

static void *attach_and_wait(void *slot)
{
	limit_codes[W(slot)] = modiso_thread_attach();
	sem_post(&attached);
	while (sem_wait(&release))
		;
	return NULL;
}

START_TEST(test_max_threads)
{
	struct modiso_options options = {.struct_size = sizeof(options),
					 .max_threads = 4};
	pthread_t threads[8];
	struct modiso_gate *gate;
	uintptr_t i;

	sem_init(&attached, 0, 0);
	sem_init(&release, 0, 0);
	expect(MODISO_OK, modiso_init(&options));
	module = make_module("module");
	gate = make_gate(module, module_add_one);
	expect(MODISO_OK, modiso_thread_detach());
	for (i = 0; i < 4; i++) {
		threads[i] = thread_start(attach_and_wait, (void *)i);
		while (sem_wait(&attached))
			;
		must_eq(limit_codes[i], MODISO_OK);
	}
	expect(MODISO_ERR_LIMIT, modiso_thread_attach());
	expect(MODISO_ERR_LIMIT, modiso_gate_call(gate, WORDS(1), NULL));
	/* One ends: there is room for another one. */
	sem_post(&release);
	sem_post(&release);
	sem_post(&release);
	sem_post(&release);
	for (i = 0; i < 4; i++)
		thread_join(threads[i]);
	must_eq(enter(gate, 1), 2);
}
END_TEST

static void *cancelled_thread(void *gate)
{
	must_eq(enter(gate, 7), 7);
	pthread_testcancel();
	return NULL;
}

/* Deferred to the host's next cancellation point, the module's call ends. */
START_TEST(test_cancel)
{
	pthread_t thread;

	make_scene();
	thread = thread_start(cancelled_thread, make_gate(module, stay));
	while (!inside)
		sched_yield();
	must_eq(pthread_cancel(thread), 0);
	leave = 1;
	must_eq(thread_join(thread), PTHREAD_CANCELED);
	expect(MODISO_OK, modiso_module_destroy(module));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("thread");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_older_than_library, 0, 3);
	tcase_add_test(tcase, test_two_lives);
	tcase_add_test(tcase, test_younger);
	tcase_add_test(tcase, test_made_by_service);
	tcase_add_test(tcase, test_short_lives);
	tcase_add_test(tcase, test_attach_detach);
	tcase_add_test(tcase, test_detach_in_service);
	tcase_add_test(tcase, test_max_threads);
	tcase_add_test(tcase, test_cancel);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
