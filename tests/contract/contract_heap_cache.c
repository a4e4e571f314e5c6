/* SPDX-License-Identifier: MIT */
/*
 * contract_heap_cache - what threads keep of a heap for themselves: it costs
 * few instructions, is counted, and is lost in no way that a thread, a process
 * or a heap can go.
 */
#include "contract/heap_user.h"
#include "contract/trace.h"
#include "support/proc.h"
#include "support/step.h"
#include "support/world.h"
#include "core/heap.h"
#include "core/heap_cache.h"
#include "core/runtime.h"
#include "core/thread.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A block of 64 bytes is taken and given back, by host code. */
#define TAKE_STEPS 150
#define GIVE_STEPS 135

static struct modiso_module *module;

/* Attached: only then does a thread keep anything. */
static void attach(void)
{
	struct mdi_thread *thread;

	must_eq(mdi_thread_attach(&thread), 0);
}

static struct mdi_heap_cache *own_cache(void)
{
	return module->heap->caches[mdi_thread_self()->index];
}

static void make_heap(void)
{
	module = world_heap();
	attach();
	give_block(module, take_block(module, 64));
	must(own_cache() != NULL);
}

/* All of it is one block again. */
static void must_be_whole(void)
{
	must_eq(info_of(module).used, 0);
	must_eq(info_of(module).blocks, 0);
	give_block(module, take_block(module, HEAP));
}

/* --- few instructions --- */

static void take_and_give(void)
{
	void *block = NULL;
	int result;

	make_heap();
	give_block(module, take_block(module, 64));
	stop_here();
	result = modiso_heap_alloc(module, 64, 0, 0, &block);
	stop_here();
	must_eq(result, 0);
	stop_here();
	result = modiso_heap_free(module, block);
	stop_here();
	must_eq(result, 0);
}

START_TEST(test_count)
{
	unsigned steps[2];

	count_steps(take_and_give, steps, 2);
	printf("# heap: %u instructions to take a block, %u to give it back\n",
	       steps[0], steps[1]);
	must(steps[0] > 20 && steps[1] > 20);
	must(TEST_SANITIZED || steps[0] <= TAKE_STEPS);
	must(TEST_SANITIZED || steps[1] <= GIVE_STEPS);
}
END_TEST

/* --- what is in use, and the most that it was --- */

enum { LIVE = 300 };

START_TEST(test_sums)
{
	struct modiso_heap_info info;
	void *live[LIVE] = {NULL};
	size_t sizes[LIVE], used = 0, peak = 0;
	uint64_t seed = 7, blocks = 0;
	unsigned long i, n, rounds = run_times(20000, 2000);

	module = world_heap();
	attach();
	for (i = 0; i < rounds; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		n = (seed >> 33) % LIVE;
		if (live[n] != NULL) {
			give_block(module, live[n]);
			used -= sizes[n];
			blocks--;
			live[n] = NULL;
		} else {
			live[n] = take_block(module, 1 + (seed >> 45) % 2500);
			sizes[n] = size_of(module, live[n]);
			used += sizes[n];
			blocks++;
		}
		if (used > peak)
			peak = used;
		if (i % 64 != 0)
			continue;
		info = info_of(module);
		must_eq(info.used, used);
		must_eq(info.blocks, blocks);
		must_eq(info.peak, peak);
	}
	for (n = 0; n < LIVE; n++)
		give_block(module, live[n]);
	must_be_whole();
}
END_TEST

/* --- a thread that keeps some, and waits --- */

static atomic_int stage;

static void wait_for_stage(int wanted)
{
	while (atomic_load(&stage) != wanted)
		sched_yield();
}

/* Some of each size. */
static void keep_some(void)
{
	for (size_t size = 16; size <= 2048; size += 16)
		give_block(module, take_block(module, size));
}

static unsigned kept(const struct mdi_heap_cache *cache)
{
	unsigned count = 0;

	for (unsigned class = 0; class < MDI_BLOCK_CLASSES; class++)
		count += cache->count[class];
	return count;
}

static void *keeper(void *unused)
{
	attach();
	keep_some();
	must(kept(own_cache()) >= MDI_BLOCK_CLASSES);
	atomic_store(&stage, 1);
	wait_for_stage(2);
	give_block(module, take_block(module, 64));
	return unused;
}

/* A heap is full when nobody keeps anything of it. */
START_TEST(test_full)
{
	pthread_t thread;
	void *all;

	make_heap();
	keep_some();
	thread = thread_start(keeper, NULL);
	wait_for_stage(1);
	must_eq(info_of(module).used, 0);
	all = take_block(module, HEAP);
	give_block(module, all);
	atomic_store(&stage, 2);
	thread_join(thread);
	must_be_whole();
}
END_TEST

/* Slots that a thread kept are in the slabs when it has ended. */
START_TEST(test_thread_end)
{
	const struct mdi_blocks *blocks;
	pthread_t thread;

	make_heap();
	blocks = module->heap->blocks;
	thread = thread_start(keeper, NULL);
	wait_for_stage(1);
	must(blocks->slab[mdi_block_class(2048)] != UINT32_MAX);
	must(blocks->page[blocks->slab[mdi_block_class(2048)]].used != 0);
	atomic_store(&stage, 2);
	thread_join(thread);
	must_eq(blocks->page[blocks->slab[mdi_block_class(2048)]].used, 0);
	must_be_whole();
}
END_TEST

/* So they are in a child, which does not have the thread. */
static void child(void *unused)
{
	(void)unused;
	must_be_whole();
	keep_some();
	must_be_whole();
	_exit(0);
}

START_TEST(test_fork)
{
	pthread_t thread;

	make_heap();
	keep_some();
	thread = thread_start(keeper, NULL);
	wait_for_stage(1);
	must_exit(child_status(child, NULL), 0);
	atomic_store(&stage, 2);
	thread_join(thread);
}
END_TEST

/*
 * A snapshot has what nobody uses as free, whoever kept it; and what was kept
 * when it is restored is nobody's.
 */
START_TEST(test_snapshot)
{
	void *blocks[2][LIVE], *kept_block;
	pthread_t thread;
	unsigned i, j;

	make_heap();
	keep_some();
	kept_block = take_block(module, 64);
	thread = thread_start(keeper, NULL);
	wait_for_stage(1);
	expect(MODISO_OK, modiso_snapshot_take(module));
	must_eq(kept(own_cache()), 0);
	for (j = 0; j < 2; j++) {
		for (i = 0; i < LIVE; i++)
			blocks[j][i] = take_block(module, 64);
		for (i = 0; j == 0 && i < LIVE; i += 2)
			give_block(module, blocks[j][i]);
		if (j == 0) {
			expect(MODISO_OK, modiso_snapshot_restore(module));
			must_eq(info_of(module).blocks, 1);
			expect(MODISO_ERR_NOENT,
			       modiso_heap_free(module, blocks[0][1]));
		}
	}
	/* Each of them once: a slot of both would be twice in the list. */
	for (i = 0; i < LIVE; i++) {
		must(blocks[1][i] != kept_block);
		give_block(module, blocks[1][i]);
		expect(MODISO_ERR_NOENT,
		       modiso_heap_free(module, blocks[1][i]));
	}
	atomic_store(&stage, 2);
	thread_join(thread);
	give_block(module, kept_block);
	must_be_whole();
}
END_TEST

/* A heap that ends is in nobody's list any more. */
START_TEST(test_heap_end)
{
	pthread_t thread;

	make_heap();
	thread = thread_start(keeper, NULL);
	wait_for_stage(1);
	expect(MODISO_OK, modiso_heap_destroy(module));
	must_eq(mdi_thread_self()->heap_caches, NULL);
	expect(MODISO_OK, modiso_heap_create(module, HEAP, NULL));
	atomic_store(&stage, 2);
	thread_join(thread);
	must_be_whole();
}
END_TEST

/* --- who stops them waits --- */

static atomic_bool stopped;

static void *uses_its_cache(void *unused)
{
	struct mdi_heap_cache *cache;
	bool kept;

	attach();
	give_block(module, take_block(module, 64));
	cache = mdi_cache_begin(module->heap, mdi_thread_self(), &kept);
	must(cache != NULL);
	atomic_store(&stage, 1);
	/* Whoever wants them at rest has said so, and waits. */
	while (!__atomic_load_n(&mdi_core_state.heap.stop, __ATOMIC_RELAXED))
		sched_yield();
	for (int i = 0; i < 100; i++) {
		must(!atomic_load(&stopped));
		sched_yield();
	}
	must(!mdi_cache_end(mdi_thread_self()));
	wait_for_stage(2);
	/* Not now: the lock. */
	must(mdi_cache_begin(module->heap, mdi_thread_self(), &kept) == NULL);
	atomic_store(&stage, 3);
	wait_for_stage(4);
	must_eq(mdi_cache_begin(module->heap, mdi_thread_self(), &kept), cache);
	must(!mdi_cache_end(mdi_thread_self()));
	return unused;
}

START_TEST(test_stop)
{
	pthread_t thread;

	make_heap();
	thread = thread_start(uses_its_cache, NULL);
	wait_for_stage(1);
	mdi_runtime_lock();
	mdi_caches_stop();
	atomic_store(&stopped, true);
	atomic_store(&stage, 2);
	wait_for_stage(3);
	mdi_caches_resume();
	mdi_runtime_unlock();
	atomic_store(&stage, 4);
	thread_join(thread);
}
END_TEST

/* --- one block, given back by several threads at once: by one of them --- */

enum { THREADS = 3, SHARED = 24 };

static void *shared[SHARED];
static pthread_barrier_t meeting;
static atomic_uint given, refused;

static void *give_all(void *takes)
{
	unsigned long i, n, rounds = run_times(300, 30);

	attach();
	give_block(module, take_block(module, 64));
	for (i = 0; i < rounds; i++) {
		if (takes != NULL)
			for (n = 0; n < SHARED; n++)
				shared[n] = take_block(module, 64);
		pthread_barrier_wait(&meeting);
		for (n = 0; n < SHARED; n++)
			if (modiso_heap_free(module, shared[n]) == 0)
				atomic_fetch_add(&given, 1);
			else
				atomic_fetch_add(&refused, 1);
		pthread_barrier_wait(&meeting);
	}
	return NULL;
}

START_TEST(test_twice)
{
	unsigned long rounds = run_times(300, 30);
	pthread_t threads[THREADS];
	uintptr_t i;

	make_heap();
	pthread_barrier_init(&meeting, NULL, THREADS);
	for (i = 0; i < THREADS; i++)
		threads[i] = thread_start(give_all, i == 0 ? &meeting : NULL);
	for (i = 0; i < THREADS; i++)
		thread_join(threads[i]);
	must_eq(atomic_load(&given), rounds * SHARED);
	must_eq(atomic_load(&refused), rounds * SHARED * (THREADS - 1));
	must_eq(info_of(module).refused, atomic_load(&refused));
	must_be_whole();
}
END_TEST

/* --- a signal at each instruction, whose handler uses the heap --- */

static atomic_uint handled;

static void handle(int signo)
{
	(void)signo;
	give_block(module, take_block(module, 64));
	atomic_fetch_add(&handled, 1);
}

static void set_steps(void)
{
	struct sigaction action = {.sa_handler = handle};

	make_heap();
	must_eq(sigaction(SIGUSR1, &action, NULL), 0);
}

/* So many that slots come from the slabs, and go back there. */
static void step_round(void)
{
	void *blocks[3];

	step_begin();
	for (int i = 0; i < 3; i++)
		blocks[i] = take_block(module, 2048);
	for (int i = 0; i < 3; i++)
		give_block(module, blocks[i]);
	step_end();
}

static void check_round(unsigned sent, bool stepped)
{
	(void)stepped;
	must_eq(atomic_load(&handled), sent);
	must_eq(info_of(module).used, 0);
	must_eq(info_of(module).blocks, 0);
	must_eq(mdi_thread_self()->heap_busy, 0);
}

static bool none(uintptr_t pc)
{
	(void)pc;
	return false;
}

START_TEST(test_steps)
{
	const struct step_plan plan = {
		.name = "heap, 3 blocks", .setup = set_steps,
		.round = step_round, .check = check_round, .signo = SIGUSR1,
		.wanted = none,
		.stride = emulated() ? 29 : 1,
	};
	struct step_count count = step_run(&plan);

	must(count.points > 20);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("heap_cache");
	TCase *tcase = tcase_create("heap");

	tcase_add_test(tcase, test_count);
	tcase_add_test(tcase, test_sums);
	tcase_add_test(tcase, test_full);
	tcase_add_test(tcase, test_thread_end);
	tcase_add_test(tcase, test_fork);
	tcase_add_test(tcase, test_snapshot);
	tcase_add_test(tcase, test_heap_end);
	tcase_add_test(tcase, test_stop);
	tcase_add_test(tcase, test_twice);
	tcase_add_test(tcase, test_steps);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
