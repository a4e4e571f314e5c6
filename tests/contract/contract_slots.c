/* SPDX-License-Identifier: MIT */
/*
 * contract_slots - more modules than there are protection keys: nobody notices,
 * nobody gets more rights than are his, and whoever is inside stays so.
 */
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { MANY = 60 };

static struct one {
	struct modiso_module *module;
	struct modiso_region *region, *constant;
	struct modiso_gate *load, *store, *nest;
} ones[MANY];

static uintptr_t (*volatile go_deeper)(uintptr_t level);

static void fill(unsigned char *bytes, int value)
{
	memset(bytes, value, 3 * PAGE);
}

MODULE_CODE static uintptr_t nest(uintptr_t level)
{
	return go_deeper(level) + 1;
}

/* Two protections and some regions for each: more than one run. */
static void make_one(int i)
{
	struct one *one = &ones[i];
	char name[16];

	snprintf(name, sizeof(name), "m%d", i);
	one->module = make_module(name);
	one->region = make_region(one->module, 3 * PAGE, "data");
	fill(region_bytes(one->region), i);
	expect(MODISO_OK, modiso_region_create(one->module, 3 * PAGE, RW, NULL,
					       &one->constant));
	fill(region_bytes(one->constant), i);
	expect(MODISO_OK, modiso_region_protect(one->constant, MODISO_READ));
	one->load = make_gate(one->module, poke_load1);
	one->store = make_gate(one->module, poke_store1);
	one->nest = make_gate(one->module, nest);
}

static void make_many(const struct modiso_options *options)
{
	if (options)
		expect(MODISO_OK, modiso_init(options));
	else
		world_start();
	for (int i = 0; i < MANY; i++)
		make_one(i);
}

static void destroy_many(void)
{
	for (int i = 0; i < MANY; i++)
		expect(MODISO_OK, modiso_module_destroy(ones[i].module));
}

/* What module @i may do and what it may not, to itself and to @other. */
static void check_one(int i, int other)
{
	struct one *one = &ones[i];
	unsigned char *own = region_bytes(one->region) + 2 * PAGE + 7;
	unsigned char *constant = region_bytes(one->constant) + 2 * PAGE + 7;
	unsigned char *foreign = region_bytes(ones[other].region) + 2 * PAGE;

	must_eq(enter(one->load, W(own)), i);
	must_eq(enter(one->load, W(constant)), i);
	enter(one->store, W(own), 200);
	must_eq(*own, 200);
	*own = (unsigned char)i;
	must_blame(enter_fault(one->module, one->store, W(constant), 1),
		   MODISO_WRITE, constant, one->constant);
	must_blame(enter_fault(one->module, one->load, W(foreign)),
		   MODISO_READ, foreign, ones[other].region);
	must_blame(enter_fault(one->module, one->store, W(foreign), 1),
		   MODISO_WRITE, foreign, ones[other].region);
	must_eq(*foreign, other);
}

START_TEST(test_round_robin)
{
	struct proc_usage before;
	int round, i;

	make_many(NULL);
	for (i = 0; i < MANY; i++)
		check_one(i, (i + 1) % MANY);
	before = proc_usage();
	for (round = 0; round < 3; round++)
		for (i = 0; i < MANY; i++)
			check_one(i, (i + 7 * round + MANY - 1) % MANY);
	proc_must_not_grow(&before, 0, 256);
	destroy_many();
	world_stop();
}
END_TEST

/* Regions come, change and go while their module has no key. */
START_TEST(test_parked_regions)
{
	struct modiso_region *late;
	int i;

	make_many(NULL);
	for (i = 0; i < MANY; i++) {
		late = make_region(ones[i].module, PAGE, "late");
		memset(region_bytes(late), 77, PAGE);
		must_blame(enter_fault(ones[(i + 1) % MANY].module,
				       ones[(i + 1) % MANY].load,
				       W(region_bytes(late))),
			   MODISO_READ, region_bytes(late), late);
		expect(MODISO_OK, modiso_region_protect(late, MODISO_READ));
		must_eq(enter(ones[i].load, W(region_bytes(late))), 77);
		must_blame(enter_fault(ones[i].module, ones[i].store,
				       W(region_bytes(late)), 1),
			   MODISO_WRITE, region_bytes(late), late);
		expect(MODISO_OK, modiso_region_destroy(late));
	}
	destroy_many();
	world_stop();
}
END_TEST

/* --- all of them busy --- */

static int deepest, busy_code;

static uintptr_t deeper(uintptr_t level)
{
	uintptr_t result = 0;
	int code;

	/* Whoever is inside still has what is his. */
	must_eq(*region_bytes(ones[level].region), level);
	if (level + 1 >= MANY)
		return 0;
	deepest = (int)level + 1;
	errno = ERRNO_MARK;
	code = modiso_gate_call(ones[level + 1].nest, WORDS(level + 1),
				&result);
	if (code) {
		busy_code = code;
		expect_code(code, MODISO_ERR_NOKEY, "modiso_gate_call",
			    __FILE__, __LINE__);
		return 0;
	}
	return result;
}

START_TEST(test_all_busy)
{
	make_many(NULL);
	go_deeper = (uintptr_t(*)(uintptr_t))make_service("deeper", deeper);
	busy_code = 0;
	must_eq(enter(ones[0].nest, 0), (uintptr_t)deepest + !busy_code);
	if (on_pkey()) {
		must_eq(busy_code, MODISO_ERR_NOKEY);
		must(deepest >= 1 && deepest < 16);
	} else {
		must_eq(busy_code, 0);
		must_eq(deepest, MANY - 1);
	}
	/* All of them are idle again. */
	for (int i = 0; i < MANY; i++)
		check_one(i, (i + 1) % MANY);
	destroy_many();
}
END_TEST

/* --- waiting for a key that another thread gives back by leaving --- */

static sem_t entered, leave;
static atomic_int waiter;

static uintptr_t hold(uintptr_t unused)
{
	(void)unused;
	must(!sem_post(&entered));
	while (sem_wait(&leave))
		must_eq(errno, EINTR);
	return 0;
}

static void *hold_in(void *arg)
{
	struct one *one = arg;

	must_eq(enter(one->nest, 0), 1);
	return NULL;
}

static void *enter_last(void *arg)
{
	struct one *one = arg;

	atomic_store(&waiter, proc_gettid());
	must_eq(enter(one->load, W(region_bytes(one->region))), one - ones);
	return NULL;
}

/* With few keys: how many modules can be entered at the same time? */
static int count_slots(struct modiso_options *options)
{
	struct modiso_service *service = NULL;

	options->key_wait_ms = 0;
	make_many(options);
	expect(MODISO_OK, modiso_service_create("deeper", (modiso_fn)deeper,
						NULL, &service));
	go_deeper = (uintptr_t(*)(uintptr_t))modiso_service_thunk(service);
	busy_code = 0;
	enter(ones[0].nest, 0);
	must_eq(busy_code, MODISO_ERR_NOKEY);
	destroy_many();
	expect(MODISO_OK, modiso_service_destroy(service));
	world_stop();
	return deepest;
}

/* Threads sit in as many modules as there are keys; one more wants to enter. */
static void hold_all(uint32_t wait_ms, pthread_t *holders, int *slots)
{
	struct modiso_options options = {.struct_size = sizeof(options),
					 .max_keys = 6};
	int i;

	*slots = count_slots(&options);
	options.key_wait_ms = wait_ms;
	make_many(&options);
	must(!sem_init(&entered, 0, 0) && !sem_init(&leave, 0, 0));
	go_deeper = (uintptr_t(*)(uintptr_t))make_service("hold", hold);
	for (i = 0; i < *slots; i++)
		holders[i] = thread_start(hold_in, &ones[i]);
	for (i = 0; i < *slots; i++)
		while (sem_wait(&entered))
			must_eq(errno, EINTR);
}

static void release_all(pthread_t *holders, int slots)
{
	int i;

	for (i = 0; i < slots; i++)
		must(!sem_post(&leave));
	for (i = 0; i < slots; i++)
		thread_join(holders[i]);
	destroy_many();
}

START_TEST(test_wait_a_while)
{
	struct one *last;
	pthread_t holders[16];
	uintptr_t result;
	int slots;

	hold_all(20, holders, &slots);
	last = &ones[slots];
	expect(MODISO_ERR_NOKEY,
	       modiso_gate_call(last->load,
				WORDS(W(region_bytes(last->region))), &result));
	release_all(holders, slots);
}
END_TEST

START_TEST(test_wait_for_ever)
{
	pthread_t holders[16], last;
	int slots;

	hold_all(UINT32_MAX, holders, &slots);
	last = thread_start(enter_last, &ones[slots]);
	while (!atomic_load(&waiter))
		sched_yield();
	proc_wait_asleep(atomic_load(&waiter));
	must(!sem_post(&leave));
	thread_join(last);
	release_all(holders, slots);
}
END_TEST

/* Frozen while it waits and taken out: it waits no more. */
static struct modiso_thread *waiting_thread;
static sem_t frozen, go;

static void *abandoned_last(void *arg)
{
	struct one *one = arg;

	must_eq(modiso_thread_self(&waiting_thread), 0);
	atomic_store(&waiter, proc_gettid());
	expect(MODISO_ERR_ABANDONED,
	       modiso_gate_call(one->load, WORDS(W(region_bytes(one->region))),
				NULL));
	return NULL;
}

static void freeze(int signo)
{
	int saved = errno;

	(void)signo;
	must(!sem_post(&frozen));
	while (sem_wait(&go))
		must_eq(errno, EINTR);
	errno = saved;
}

START_TEST(test_abandon_who_waits)
{
	const struct sigaction action = {.sa_handler = freeze};
	pthread_t holders[16], last;
	int slots;

	hold_all(UINT32_MAX, holders, &slots);
	must(!sem_init(&frozen, 0, 0) && !sem_init(&go, 0, 0));
	must(!sigaction(SIGUSR1, &action, NULL));
	last = thread_start(abandoned_last, &ones[slots]);
	while (!atomic_load(&waiter))
		sched_yield();
	proc_wait_asleep(atomic_load(&waiter));
	must_eq(pthread_kill(last, SIGUSR1), 0);
	while (sem_wait(&frozen))
		must_eq(errno, EINTR);
	expect(MODISO_OK, modiso_thread_abandon(waiting_thread, NULL, NULL));
	must(!sem_post(&go));
	thread_join(last);
	release_all(holders, slots);
}
END_TEST

/* --- few keys --- */

START_TEST(test_two_keys)
{
	struct modiso_options options = {.struct_size = sizeof(options),
					 .max_keys = 2};
	int i;

	make_many(&options);
	for (i = 0; i < MANY; i++)
		check_one(i, (i + 1) % MANY);
	destroy_many();
	world_stop();
}
END_TEST

/* --- threads --- */

struct worker {
	pthread_t thread;
	uint64_t random;
};

/* Modules are the threads' common ground: bytes of its own are a thread's. */
static void *work(void *arg)
{
	struct worker *worker = arg;
	unsigned long rounds = run_times(3000, 150);
	static atomic_int next;
	size_t mine = 64 + 8 * (size_t)atomic_fetch_add(&next, 1);
	uint64_t value = 0;

	while (rounds--) {
		struct one *one, *other;
		unsigned char *byte;

		worker->random = worker->random * 6364136223846793005u + 1;
		one = &ones[(worker->random >> 33) % MANY];
		other = &ones[(worker->random >> 43) % MANY];
		byte = region_bytes(one->region) + mine;
		value = worker->random >> 50 & 0xff;
		enter(one->store, W(byte), value);
		must_eq(enter(one->load, W(byte)), value);
		if (one != other && (worker->random >> 60) == 0) {
			byte = region_bytes(other->region) + mine;
			must_blame(enter_fault(one->module, one->store, W(byte),
					       1),
				   MODISO_WRITE, byte, other->region);
		}
	}
	return NULL;
}

START_TEST(test_threads)
{
	enum { THREADS = 8 };
	struct modiso_options options = {.struct_size = sizeof(options),
					 .key_wait_ms = UINT32_MAX};
	struct worker workers[THREADS];
	int i;

	if (on_pkey())
		options.max_keys = _i ? 5 : 0;
	make_many(&options);
	for (i = 0; i < THREADS; i++) {
		workers[i].random = (uint64_t)i + 1;
		workers[i].thread = thread_start(work, &workers[i]);
	}
	for (i = 0; i < THREADS; i++)
		thread_join(workers[i].thread);
	destroy_many();
	world_stop();
}
END_TEST

/* A child has the same modules, parked or not. */
static void in_child(void *unused)
{
	(void)unused;
	for (int i = 0; i < MANY; i++)
		check_one(i, (i + 1) % MANY);
}

START_TEST(test_fork)
{
	make_many(NULL);
	for (int i = 0; i < MANY; i += 3)
		check_one(i, (i + 1) % MANY);
	must_exit(child_status(in_child, NULL), 0);
	in_child(NULL);
	destroy_many();
	world_stop();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("slots");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_round_robin);
	tcase_add_test(tcase, test_parked_regions);
	tcase_add_test(tcase, test_all_busy);
	if (on_pkey()) {
		tcase_add_test(tcase, test_wait_a_while);
		tcase_add_test(tcase, test_wait_for_ever);
		tcase_add_test(tcase, test_abandon_who_waits);
		tcase_add_test(tcase, test_two_keys);
	}
	tcase_add_loop_test(tcase, test_threads, 0, 2);
	tcase_add_test(tcase, test_fork);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
