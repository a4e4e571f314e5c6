/* SPDX-License-Identifier: MIT */
/*
 * contract_heap_life - heaps in snapshots, under many threads, over a fork,
 * and until their module ends.
 */
#include "contract/heap_user.h"
#include "support/world.h"
#include "support/proc.h"
#include "core/heap.h"
#include "core/vault.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Who has which block goes back with the blocks. */
START_TEST(test_snapshot)
{
	struct modiso_module *module = world_heap();
	char *kept = take_block(module, 100), *large, *block;
	struct modiso_heap_info info;
	int i;

	large = take_block(module, 5 * PAGE);
	strcpy(kept, "kept");
	strcpy(large, "large");
	info = info_of(module);
	expect(MODISO_OK, modiso_snapshot_take(module));
	for (i = 0; i < 5; i++) {
		block = take_block(module, 100);
		strcpy(block, "since");
		strcpy(kept, "gone");
		give_block(module, kept);
		give_block(module, large);
		take_block(module, 300000);
		expect(MODISO_OK, modiso_snapshot_restore(module));
		must_str(kept, "kept");
		must_str(large, "large");
		must(size_of(module, kept) >= 100);
		must_eq(size_of(module, large), 5 * PAGE);
		must_eq(info_of(module).used, info.used);
		must_eq(info_of(module).blocks, info.blocks);
		expect(MODISO_ERR_NOENT, modiso_heap_free(module, block));
	}
	/* A new heap is no part of the old snapshot. */
	expect(MODISO_OK, modiso_heap_destroy(module));
	expect(MODISO_OK, modiso_heap_create(module, HEAP, NULL));
	block = take_block(module, 100);
	strcpy(block, "new");
	expect(MODISO_OK, modiso_snapshot_restore(module));
	must_str(block, "new");
	give_block(module, block);
	must_eq(info_of(module).used, 0);
}
END_TEST

enum { THREADS = 4 };

static struct modiso_module *shared_module;
static struct modiso_gate *shared_gate;
static volatile bool stop_forks;
static bool at_work;

MODULE_CODE static uintptr_t churn(const struct calls *call, uintptr_t rounds,
				   uintptr_t mark)
{
	unsigned char *blocks[8] = {NULL};
	uintptr_t i, n, size, bad = 0;

	for (i = 0; i < rounds; i++) {
		n = (i * 5 + mark) % 8;
		size = 1 + (i * 37 + mark * 11) % 3000;
		if (blocks[n] != NULL) {
			bad += blocks[n][0] != (unsigned char)mark;
			bad += call->free(blocks[n]) != 0;
			blocks[n] = NULL;
		} else {
			blocks[n] = call->malloc(size);
			if (blocks[n] != NULL)
				blocks[n][0] = blocks[n][size - 1] =
					(unsigned char)mark;
		}
	}
	for (n = 0; n < 8; n++)
		bad += call->free(blocks[n]) != 0;
	return bad;
}

static void *churn_thread(void *arg)
{
	void *block;
	unsigned long i, rounds = run_times(300, 30);

	must_eq(enter(shared_gate, W(&calls), rounds, W(arg)), 0);
	for (i = 0; i < rounds; i++) {
		block = take_block(shared_module, 1 + i % 5000);
		memset(block, (int)W(arg), 1 + i % 5000);
		must(all_bytes(block, (unsigned char)W(arg), 1 + i % 5000));
		give_block(shared_module, block);
	}
	return NULL;
}

START_TEST(test_threads)
{
	pthread_t threads[THREADS];
	uintptr_t i;

	shared_module = world_heap();
	serve_all();
	shared_gate = make_gate(shared_module, churn);
	for (i = 0; i < THREADS; i++)
		threads[i] = thread_start(churn_thread, (void *)(i + 1));
	for (i = 0; i < THREADS; i++)
		thread_join(threads[i]);
	must_eq(info_of(shared_module).used, 0);
	must_eq(info_of(shared_module).refused, 0);
}
END_TEST

static void *host_churn(void *unused)
{
	do {
		give_block(shared_module, take_block(shared_module, 64));
		__atomic_store_n(&at_work, true, __ATOMIC_RELEASE);
	} while (!__atomic_load_n(&stop_forks, __ATOMIC_RELAXED));
	return unused;
}

static void child(void *unused)
{
	(void)unused;
	give_block(shared_module, take_block(shared_module, 5000));
	_exit(0);
}

/* A child made while another thread is at the heap can use it. */
START_TEST(test_fork)
{
	pthread_t thread;
	unsigned long i, rounds = run_times(50, 5);

	shared_module = world_heap();
	thread = thread_start(host_churn, NULL);
	/* A thread that starts may hold locks that no fork knows of. */
	while (!__atomic_load_n(&at_work, __ATOMIC_ACQUIRE))
		sched_yield();
	for (i = 0; i < rounds; i++)
		must_exit(child_status(child, NULL), 0);
	__atomic_store_n(&stop_forks, true, __ATOMIC_RELAXED);
	thread_join(thread);
}
END_TEST

static int from_inside;

static uintptr_t try_inside(void)
{
	from_inside = modiso_heap_destroy(shared_module);
	return 0;
}

MODULE_CODE static uintptr_t call_out(uintptr_t (*service)(void))
{
	return service();
}

START_TEST(test_life)
{
	struct modiso_module *module = world_heap();
	struct proc_usage usage;
	int i;

	shared_module = module;
	enter(make_gate(module, call_out), W(make_service("try", try_inside)));
	must_eq(from_inside, MODISO_ERR_BUSY);
	expect(MODISO_OK, modiso_heap_destroy(module));
	usage = proc_usage();
	for (i = 0; i < 50; i++) {
		expect(MODISO_OK, modiso_heap_create(module, HEAP, NULL));
		memset(take_block(module, 100000), 1, 100000);
		expect(MODISO_OK, modiso_snapshot_take(module));
		expect(MODISO_OK, modiso_heap_destroy(module));
	}
	proc_must_not_grow(&usage, 3, 1024);
	expect(MODISO_OK, modiso_heap_create(module, HEAP, NULL));
	take_block(module, 100);
	expect(MODISO_OK, modiso_module_destroy(module));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("heap_life");
	TCase *tcase = tcase_create("heap");

	tcase_add_test(tcase, test_snapshot);
	tcase_add_test(tcase, test_threads);
	tcase_add_test(tcase, test_fork);
	tcase_add_test(tcase, test_life);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
