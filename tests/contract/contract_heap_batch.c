/* SPDX-License-Identifier: MIT */
/*
 * contract_heap_batch - many blocks by one service call, and what modiso-cc
 * --heap makes of malloc() by it: few calls, and nothing in it that the host
 * believes.
 */
#include "contract/heap_image.h"
#include "support/proc.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* --- the service --- */

MODULE_CODE static uintptr_t call_batch(batch_fn *batch, void **list,
					size_t back, size_t count, size_t size)
{
	return batch(list, back, count, size);
}

static batch_fn *batch_thunk;
static struct modiso_gate *batch_gate;
static void **list; /* module memory */

static void begin_batch(void)
{
	module = world_heap();
	batch_thunk = (batch_fn *)make_service(
		"modiso_heap_batch", modiso_heap_function(MODISO_HEAP_BATCH));
	batch_gate = make_gate(module, call_batch);
	list = (void **)region_bytes(make_region(module, PAGE, "list"));
}

#define BATCH(...) enter(batch_gate, W(batch_thunk), __VA_ARGS__)

START_TEST(test_batch)
{
	unsigned i;

	begin_batch();
	must_eq(BATCH(W(list), 0, 5, 60), 5);
	for (i = 0; i < 5; i++) {
		must_eq(size_of(module, list[i]), 64);
		must(i == 0 || list[i] != list[i - 1]);
	}
	must_eq(info_of(module).blocks, 5);
	/* What comes takes the place of what goes; no more than 64 come. */
	must_eq(BATCH(W(list), 5, 500, 16), 64);
	must_eq(info_of(module).blocks, 64);
	must_eq(info_of(module).used, 64 * 16);
	must_eq(BATCH(W(list), 64, 0, 0), 0);
	must_eq(info_of(module).blocks, 0);
	/* More than are looked at together, of any size, NULL among them. */
	memset(list, 0, PAGE);
	for (i = 0; i < 200; i++)
		list[i] = i % 2 ? take_block(module, i * 10) : NULL;
	must_eq(BATCH(W(list), 200, 1, 3 * PAGE), 1);
	must_eq(info_of(module).blocks, 1);
	must_eq(size_of(module, list[0]), 3 * PAGE);
	must_eq(info_of(module).refused, 0);
}
END_TEST

/* Each of a list is looked at by itself. */
START_TEST(test_batch_refused)
{
	void *block;

	begin_batch();
	block = take_block(module, 40);
	list[0] = (char *)block + 16;
	list[1] = block;
	list[2] = block;
	list[3] = &list;
	must_eq(BATCH(W(list), 4, 0, 0), 0);
	must_eq(info_of(module).blocks, 0);
	must_eq(info_of(module).refused, 3);
	/* There is no room for more. */
	must_eq(BATCH(W(list), 0, 5, HEAP / 4), 3);
	must_eq(BATCH(W(list), 3, 1, HEAP + 1), 0);
	must_eq(info_of(module).blocks, 0);
}
END_TEST

/* A list that is not the module's; nothing is taken for it. */
static uintptr_t must_end(unsigned char *bytes, size_t back, size_t count)
{
	const struct modiso_fault *fault;

	fault = enter_fault(module, batch_gate, W(batch_thunk), W(bytes), back,
			    count, 64);
	must_eq(fault->kind, MODISO_FAULT_ACCESS);
	must_eq(info_of(module).blocks, 0);
	must_eq(info_of(module).used, 0);
	return fault->address;
}

START_TEST(test_batch_list)
{
	struct modiso_region *constant;
	unsigned char *bytes;

	begin_batch();
	bytes = region_bytes(make_region(NULL, PAGE, "hosts"));
	must_eq(must_end(bytes, 1, 0), bytes);
	must_eq(must_end(bytes, 0, 1), bytes);
	constant = make_region(module, PAGE, "constant");
	expect(MODISO_OK, modiso_region_protect(constant, MODISO_READ));
	bytes = region_bytes(constant);
	must_eq(must_end(bytes, 0, 3), bytes);
	bytes = (unsigned char *)list + PAGE;
	must_eq(must_end(bytes - 8, 1, 3), bytes);
	must(must_end(bytes - 8, SIZE_MAX / 8, 0) >= W(bytes - 8));
}
END_TEST

/* No time limit ends a service: so it has an end. */
START_TEST(test_batch_long)
{
	unsigned char *bytes;

	begin_batch();
	bytes = region_bytes(make_region(module, 9 * PAGE, "long"));
	must_eq(BATCH(W(bytes), 4096, 0, 0), 0);
	must_eq(must_end(bytes, 4097, 0), bytes + 8 * PAGE);
	must_eq(must_end(bytes, 4097, 1), bytes + 8 * PAGE);
}
END_TEST

/* --- what modiso-cc --heap makes --- */

#define PAIRS 20000u

/* So many pairs for a service call, at least. */
START_TEST(test_few_calls)
{
	static const struct {
		size_t size;
		unsigned pairs;
	} rows[] = {{1, 15}, {64, 15}, {128, 15}, {256, 7}, {512, 3},
		    {1024, 1}};

	heap_image_begin(_i, HEAP);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		atomic_store(&services, 0);
		must_eq(enter(pairs, PAIRS, rows[i].size), 0);
		printf("# %zu bytes: %u service calls for %u pairs\n",
		       rows[i].size, atomic_load(&services), PAIRS);
		must(atomic_load(&services) <= PAIRS / rows[i].pairs);
	}
	must_eq(info_of(module).refused, 0);
	heap_image_end(HEAP);
}
END_TEST

/* Each block is one of the host's, whoever took it. */
START_TEST(test_both_sides)
{
	unsigned char *block;
	size_t size;

	heap_image_begin(_i, HEAP);
	for (size = 0; size <= 3 * PAGE; size += 1 + size / 3) {
		block = (unsigned char *)enter(take, size);
		must(size_of(module, block) >= size);
		give_block(module, block);
		block = (unsigned char *)enter(take, size);
		memset(block, 0xee, size);
		enter(give, W(block));
		enter(give, W(take_block(module, size)));
		block = (unsigned char *)enter(take_zeros, size, 2);
		must(all_bytes(block, 0, 2 * size));
		block = (unsigned char *)enter(resize, W(block), 5 * size + 1);
		must(size_of(module, block) > 5 * size);
		enter(give, W(block));
	}
	must_eq(enter(take_zeros, SIZE_MAX / 2, 3), 0);
	must_eq(enter(take, HEAP + 1), 0);
	enter(give, 0);
	must_eq(info_of(module).refused, 0);
	/* A wrong pointer is refused and counted when it has come there. */
	block = take_block(module, 40);
	enter(give, W(block));
	enter(give, W(block));
	enter(give, W(block) + 16);
	enter(give, W(&services));
	expect(MODISO_ERR_LIMIT,
	       modiso_heap_alloc(module, HEAP + 1, 0, 0, (void **)&block));
	must_eq(enter(take, HEAP + 1), 0); /* all goes back */
	must_eq(info_of(module).refused, 3);
	heap_image_end(HEAP);
}
END_TEST

/* What waits keeps nothing from the module, and large blocks do not wait. */
START_TEST(test_exhaustion)
{
	const size_t length = 32 * PAGE;
	void *block;

	heap_image_begin(_i, length);
	for (size_t size = 16; size <= 1024; size += 16)
		must_eq(enter(pairs, 100, size), 0);
	must_eq(enter(hoard, 64), length / 64);
	must_eq(enter(take, 1), 0);
	must_eq(enter(take, 5000), 0);
	enter(give_hoard, 0);
	must_eq(enter(churn, 2000, 3, 600), 0);
	block = (void *)enter(take, length);
	must(block != NULL);
	enter(give, W(block));
	give_block(module, take_block(module, length));
	heap_image_end(length);
}
END_TEST

enum { THREADS = 4 };

static void *churn_thread(void *mark)
{
	unsigned long rounds = run_times(20, 2);

	while (rounds-- > 0)
		must_eq(enter(churn, run_times(2000, 300), W(mark), 1500), 0);
	return NULL;
}

START_TEST(test_threads)
{
	pthread_t threads[THREADS];
	uintptr_t i;

	heap_image_begin(_i, HEAP);
	for (i = 0; i < THREADS; i++)
		threads[i] = thread_start(churn_thread, (void *)(i + 1));
	for (i = 0; i < THREADS; i++)
		thread_join(threads[i]);
	must_eq(info_of(module).refused, 0);
	heap_image_end(HEAP);
}
END_TEST

/* What waits in the module goes back with all that it holds. */
START_TEST(test_snapshot)
{
	struct modiso_heap_info info;
	uint64_t blocks;

	heap_image_begin(_i, HEAP);
	must_eq(enter(churn, 500, 1, 1500), 0);
	blocks = info_of(module).blocks;
	must(blocks > 0);
	expect(MODISO_OK, modiso_snapshot_take(module));
	for (uintptr_t i = 0; i < 5; i++) {
		must_eq(enter(churn, 500, i, 1500), 0);
		must(enter(hoard, 64) > 0);
		expect(MODISO_OK, modiso_snapshot_restore(module));
		info = info_of(module);
		must_eq(info.blocks, blocks);
	}
	must_eq(enter(churn, 500, 7, 1500), 0);
	must_eq(info_of(module).refused, 0);
	heap_image_end(HEAP);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("heap_batch");
	TCase *tcase = tcase_create("heap");

	tcase_add_test(tcase, test_batch);
	tcase_add_test(tcase, test_batch_refused);
	tcase_add_test(tcase, test_batch_list);
	tcase_add_test(tcase, test_batch_long);
	tcase_add_loop_test(tcase, test_few_calls, 0, HEAP_COMPILERS);
	tcase_add_loop_test(tcase, test_both_sides, 0, HEAP_COMPILERS);
	tcase_add_loop_test(tcase, test_exhaustion, 0, HEAP_COMPILERS);
	tcase_add_loop_test(tcase, test_threads, 0, HEAP_COMPILERS);
	tcase_add_loop_test(tcase, test_snapshot, 0, HEAP_COMPILERS);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
