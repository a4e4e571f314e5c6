/* SPDX-License-Identifier: MIT */
/*
 * contract_stress - many threads do at random whatever can be done, and the
 * blame is right each time.
 *
 * MODISO_TEST_SEED replays a run as far as the scheduler lets it;
 * MODISO_TEST_SECONDS makes it last that long ("make stress": 60).
 */
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS = 8, SLOTS = 5 };

/* A module that may be there; who enters it holds the lock for reading. */
struct slot {
	pthread_rwlock_t lock;
	struct modiso_module *module;
	struct modiso_region *region;
	struct modiso_gate *add, *load, *store, *ud2, *nest, *recurse;
	unsigned char tag;
};

static struct slot slots[SLOTS];
static struct modiso_region *hosts;
static uintptr_t (*volatile nest_service)(uintptr_t slot, uintptr_t value);
static atomic_uint tags;
static atomic_bool stop;
static atomic_ulong operations;

struct worker {
	pthread_t thread;
	uint64_t random;
	unsigned long rounds;
	unsigned index;
};

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state >> 11;
}

MODULE_CODE static uintptr_t nest(uintptr_t slot, uintptr_t value)
{
	return nest_service(slot, value) + 1;
}

/* The caller of the service holds the lock of @slot as well. */
static uintptr_t nest_down(uintptr_t slot, uintptr_t value)
{
	uintptr_t result = 0;

	__atomic_store_n(&region_bytes(hosts)[100 + slot], 1, __ATOMIC_RELAXED);
	if (value % 3 == 0)
		enter_fault(slots[slot].module, slots[slot].ud2, 0);
	must_eq(modiso_gate_call(slots[slot].add, WORDS(value), &result),
		MODISO_OK);
	return result;
}

static void fill(struct slot *slot)
{
	slot->module = make_module("stressed");
	slot->region = make_region(slot->module, 2 * PAGE, "stressed");
	slot->tag = (unsigned char)atomic_fetch_add(&tags, 1);
	memset(region_bytes(slot->region), slot->tag, 2 * PAGE);
	slot->add = make_gate(slot->module, module_add_one);
	slot->load = make_gate(slot->module, poke_load1);
	slot->store = make_gate(slot->module, poke_store1);
	slot->ud2 = make_gate(slot->module, poke_ud2);
	slot->nest = make_gate(slot->module, nest);
	slot->recurse = make_gate(slot->module, poke_recurse);
}

static void renew(struct slot *slot)
{
	if (pthread_rwlock_trywrlock(&slot->lock))
		return;
	if (slot->module) {
		expect(MODISO_OK, modiso_module_destroy(slot->module));
		slot->module = NULL;
	} else {
		fill(slot);
	}
	pthread_rwlock_unlock(&slot->lock);
}

static void work_in(struct slot *slot, uint64_t random)
{
	size_t offset = random % (2 * PAGE);
	unsigned char *byte = region_bytes(slot->region) + offset;
	const struct modiso_fault *fault;

	switch (random >> 20 & 7) {
	case 0:
		must_eq(enter(slot->add, random), random + 1);
		break;
	case 1:
		must_eq(enter(slot->load, W(byte)), slot->tag);
		break;
	case 2:
		enter(slot->store, W(byte), slot->tag);
		break;
	case 3:
		fault = enter_fault(slot->module, slot->ud2, 0);
		must_eq(fault->kind, MODISO_FAULT_ILLEGAL);
		must_eq(fault->pc, poke_ud2);
		break;
	case 4:
		byte = region_bytes(hosts) + offset % PAGE;
		must_blame(enter_fault(slot->module, slot->load, W(byte)),
			   MODISO_READ, byte, hosts);
		break;
	case 5:
		fault = enter_fault(slot->module, slot->recurse, 0);
		must_eq(fault->kind, MODISO_FAULT_STACK);
		break;
	case 6:
		expect(MODISO_OK,
		       modiso_range_check(slot->module, byte, 1, RW));
		break;
	default:
		must_eq(*byte, slot->tag);
		__atomic_fetch_add(&region_bytes(hosts)[offset % 64], 1,
				   __ATOMIC_RELAXED);
	}
}

static void work_between(struct slot *slot, struct slot *second,
			 uint64_t random)
{
	unsigned char *byte =
		region_bytes(second->region) + random % (2 * PAGE);

	if (random >> 20 & 1)
		must_blame(enter_fault(slot->module, slot->store, W(byte),
				       slot->tag + 1u),
			   MODISO_WRITE, byte, second->region);
	else
		must_eq(enter(slot->nest, (uintptr_t)(second - slots), random),
			random + 2);
	must_eq(*byte, second->tag);
}

static void one_operation(struct worker *worker)
{
	uint64_t random = next_random(&worker->random);
	struct slot *slot = &slots[random % SLOTS];
	struct slot *second = &slots[random / SLOTS % SLOTS];

	if (random >> 32 & 15) {
		pthread_rwlock_rdlock(&slot->lock);
		if (slot->module)
			work_in(slot, random);
		/* Without waiting: two readers and two writers would. */
		if (slot->module && second != slot &&
		    !pthread_rwlock_tryrdlock(&second->lock)) {
			if (second->module)
				work_between(slot, second, random);
			pthread_rwlock_unlock(&second->lock);
		}
		pthread_rwlock_unlock(&slot->lock);
		return;
	}
	renew(slot);
	if (random >> 40 & 1)
		expect(MODISO_OK, modiso_thread_detach());
}

static void *work(void *arg)
{
	struct worker *worker = arg;

	while (worker->rounds-- && !atomic_load(&stop)) {
		one_operation(worker);
		atomic_fetch_add(&operations, 1);
	}
	return NULL;
}

/* A worker that ends is followed by another one, so threads come and go. */
static void *chain(void *arg)
{
	struct worker *worker = arg;
	unsigned long rounds = worker->rounds;
	const unsigned long links = 10;
	unsigned long i;

	for (i = 0; i < links && !atomic_load(&stop); i++) {
		worker->rounds = rounds / links + 1;
		thread_join(thread_start(work, worker));
	}
	return NULL;
}

static void *nothing(void *unused)
{
	return unused;
}

static uint64_t seed(void)
{
	const char *given = getenv("MODISO_TEST_SEED");
	struct timespec now;

	if (given)
		return strtoull(given, NULL, 0) | 1;
	clock_gettime(CLOCK_REALTIME, &now);
	return ((uint64_t)now.tv_sec << 20 ^ (uint64_t)now.tv_nsec) | 1;
}

START_TEST(test_stress)
{
	unsigned long seconds = run_asked("MODISO_TEST_SECONDS");
	unsigned long rounds = seconds ? ~0ul / 2 : run_times(4000, 400);
	struct worker workers[THREADS];
	uint64_t start = seed();
	struct proc_usage before;
	unsigned i;

	printf("# MODISO_TEST_SEED=%llu\n", (unsigned long long)start);
	world_start();
	hosts = make_region(NULL, PAGE, "host's");
	nest_service = (uintptr_t(*)(uintptr_t, uintptr_t))make_service(
		"nest", nest_down);
	for (i = 0; i < SLOTS; i++) {
		must(!pthread_rwlock_init(&slots[i].lock, NULL));
		fill(&slots[i]);
	}
	/* A sanitizer's own thread comes with the first one. */
	thread_join(thread_start(nothing, NULL));
	before = proc_usage();
	for (i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){
			.random = start * (2 * i + 1),
			.rounds = rounds,
			.index = i,
		};
		workers[i].thread =
			thread_start(seconds ? work : chain, &workers[i]);
	}
	for (; seconds > 0; seconds--) {
		nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
		test_gets_on(atomic_load(&operations));
		if (seconds == 1)
			atomic_store(&stop, true);
	}
	for (i = 0; i < THREADS; i++)
		thread_join(workers[i].thread);
	printf("# %lu operations\n", atomic_load(&operations));
	must(atomic_load(&operations) >= THREADS);
	for (i = 0; i < SLOTS; i++)
		if (slots[i].module)
			expect(MODISO_OK,
			       modiso_module_destroy(slots[i].module));
	/* Whatever the C library keeps of its threads' stacks and heaps. */
	proc_must_not_grow(&before, 16 * THREADS, 16384);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("stress");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_stress);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
