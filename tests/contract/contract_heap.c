/* SPDX-License-Identifier: MIT */
/*
 * contract_heap - blocks for both sides; whatever a module writes into its heap
 * or hands back as a pointer, the host takes no block for another.
 */
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include "core/heap.h"
#include "core/vault.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEAP ((size_t)1 << 20)

static struct modiso_heap_info info_of(struct modiso_module *module)
{
	struct modiso_heap_info info = { .struct_size = sizeof(info) };

	expect(MODISO_OK, modiso_heap_get_info(module, &info));
	return info;
}

static struct modiso_module *heap_module(const char *name, size_t length)
{
	struct modiso_module *module = make_module(name);

	expect(MODISO_OK, modiso_heap_create(module, length, NULL));
	return module;
}

static struct modiso_module *world_heap(void)
{
	world_start();
	return heap_module("module", HEAP);
}

static void *take_block(struct modiso_module *module, size_t size)
{
	void *block = NULL;

	expect(MODISO_OK, modiso_heap_alloc(module, size, 0, 0, &block));
	must(block);
	return block;
}

static void give_block(struct modiso_module *module, void *block)
{
	expect(MODISO_OK, modiso_heap_free(module, block));
}

static size_t size_of(struct modiso_module *module, const void *block)
{
	size_t size = 0;

	expect(MODISO_OK, modiso_heap_get_size(module, block, &size));
	return size;
}

/* --- module code --- */

struct calls {
	void *(*malloc)(size_t);
	void *(*calloc)(size_t, size_t);
	void *(*realloc)(void *, size_t);
	void *(*aligned_alloc)(size_t, size_t);
	int (*free)(void *);
	size_t (*usable_size)(void *);
};

static struct calls calls;

static modiso_fn serve(const char *name, enum modiso_heap_function which)
{
	return make_service(name, modiso_heap_function(which));
}

static void serve_all(void)
{
	calls.malloc = (void *(*)(size_t))serve("malloc", MODISO_HEAP_MALLOC);
	calls.calloc = (void *(*)(size_t, size_t))serve("calloc",
							MODISO_HEAP_CALLOC);
	calls.realloc = (void *(*)(void *, size_t))serve("realloc",
							 MODISO_HEAP_REALLOC);
	calls.aligned_alloc = (void *(*)(size_t, size_t))serve(
		"aligned_alloc", MODISO_HEAP_ALIGNED_ALLOC);
	calls.free = (int (*)(void *))serve("free", MODISO_HEAP_FREE);
	calls.usable_size = (size_t(*)(void *))serve("malloc_usable_size",
						     MODISO_HEAP_USABLE_SIZE);
}

/* A list of its own, built and taken apart; what is left is the answer. */
MODULE_CODE static uintptr_t use_all(const struct calls *call)
{
	unsigned char *bytes = call->malloc(100), *more, *zeros;
	size_t i;

	if (bytes == NULL || call->usable_size(bytes) < 100)
		return 1;
	for (i = 0; i < 100; i++)
		bytes[i] = (unsigned char)i;
	more = call->realloc(bytes, 50000);
	if (more == NULL || more == bytes)
		return 2;
	for (i = 0; i < 100; i++)
		if (more[i] != i)
			return 3;
	if (call->free(more) != 0)
		return 4;
	zeros = call->calloc(100, 50);
	if (zeros == NULL)
		return 5;
	for (i = 0; i < 5000; i++)
		if (zeros[i] != 0)
			return 6;
	if (call->calloc((size_t)1 << 33, (size_t)1 << 33) != NULL)
		return 7;
	if (call->free(zeros) != 0)
		return 8;
	bytes = call->aligned_alloc(8192, 10);
	if (bytes == NULL || (uintptr_t)bytes % 8192 != 0)
		return 9;
	if (call->aligned_alloc(24, 10) != NULL ||
	    call->aligned_alloc(0, 10) != NULL)
		return 10;
	if (call->free(bytes) != 0 || call->free(NULL) != 0)
		return 11;
	return (uintptr_t)call->malloc(77);
}

MODULE_CODE static uintptr_t give_back(const struct calls *call, void *block)
{
	return (uintptr_t)call->free(block);
}

MODULE_CODE static uintptr_t scribble(unsigned char *bytes, size_t length,
				      uint64_t seed)
{
	volatile unsigned char *at = bytes;
	size_t i;

	for (i = 0; i < length; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		at[i] = (unsigned char)(seed >> 56);
	}
	return 0;
}

/* --- tests --- */

START_TEST(test_both_sides)
{
	struct modiso_module *module = world_heap();
	unsigned char *bytes, *block = take_block(module, 4000);
	struct modiso_heap_info info;

	serve_all();
	memset(block, 0x11, 4000);
	enter(make_gate(module, poke_store1), W(block + 3999), 7);
	must_eq(block[3999], 7);
	bytes = (unsigned char *)enter(make_gate(module, use_all), W(&calls));
	if (W(bytes) <= 100)
		ck_abort_msg("step %lu failed", (unsigned long)W(bytes));
	must(all_bytes(block, 0x11, 3999));
	must(size_of(module, bytes) >= 77);
	bytes[76] = 1;
	give_block(module, bytes);
	give_block(module, block);
	info = info_of(module);
	must_eq(info.used, 0);
	must_eq(info.blocks, 0);
	must_eq(info.refused, 0);
	must(info.peak >= 50000);
	must_eq(info.length, HEAP);
}
END_TEST

/* A module without a heap has no blocks; the host calls no such function. */
START_TEST(test_without_heap)
{
	struct modiso_module *module = world_module();
	struct modiso_heap_info info = { .struct_size = sizeof(info) };
	modiso_fn function = modiso_heap_function(MODISO_HEAP_MALLOC);
	void *block = &info;
	size_t size = 9;

	serve_all();
	must_eq(enter(make_gate(module, use_all), W(&calls)), 1);
	must_eq(((void *(*)(size_t))function)(16), NULL);
	must_eq(modiso_heap_function((enum modiso_heap_function)0), NULL);
	must_eq(modiso_heap_function((enum modiso_heap_function)7), NULL);
	expect(MODISO_ERR_NOENT, modiso_heap_alloc(module, 1, 0, 0, &block));
	expect(MODISO_ERR_NOENT, modiso_heap_resize(module, NULL, 1, &block));
	expect(MODISO_ERR_NOENT, modiso_heap_free(module, block));
	expect(MODISO_ERR_NOENT, modiso_heap_get_size(module, block, &size));
	expect(MODISO_ERR_NOENT, modiso_heap_get_info(module, &info));
	expect(MODISO_OK, modiso_heap_destroy(module));
	expect(MODISO_OK, modiso_heap_destroy(NULL));
	must_eq(block, &info);
	must_eq(size, 9);
}
END_TEST

START_TEST(test_wrong_arguments)
{
	struct modiso_module *module;
	struct modiso_heap_info info = { .struct_size = sizeof(info) - 1 };
	struct modiso_region_options options = {
		.struct_size = sizeof(options),
		.flags = MODISO_REGION_CLOSED,
	};
	void *block = &info;
	size_t size;

	expect(MODISO_ERR_STATE, modiso_heap_create(NULL, HEAP, NULL));
	expect(MODISO_ERR_STATE, modiso_heap_alloc(NULL, 1, 0, 0, &block));
	module = world_module();
	expect(MODISO_ERR_INVAL, modiso_heap_create(NULL, HEAP, NULL));
	expect(MODISO_ERR_INVAL, modiso_heap_create(module, 0, NULL));
	expect(MODISO_ERR_INVAL, modiso_heap_create(module, SIZE_MAX, NULL));
	expect(MODISO_ERR_INVAL,
	       modiso_heap_create(module, (size_t)1 << 62, NULL));
	expect(MODISO_ERR_LIMIT,
	       modiso_heap_create(module, (size_t)2 << 30, NULL));
	expect(MODISO_ERR_INVAL, modiso_heap_create(module, HEAP, &options));
	options.flags = 0;
	options.name = "";
	expect(MODISO_ERR_INVAL, modiso_heap_create(module, HEAP, &options));
	options.name = "own heap";
	expect(MODISO_OK, modiso_heap_create(module, 1, &options));
	expect(MODISO_ERR_STATE, modiso_heap_create(module, HEAP, NULL));
	must_str(region_info(module->heap->region).name, "own heap");
	expect(MODISO_ERR_INVAL, modiso_heap_alloc(NULL, 1, 0, 0, &block));
	expect(MODISO_ERR_INVAL, modiso_heap_alloc(module, 1, 0, 0, NULL));
	expect(MODISO_ERR_INVAL, modiso_heap_alloc(module, 1, 3, 0, &block));
	expect(MODISO_ERR_INVAL, modiso_heap_alloc(module, 1, 0, 2, &block));
	expect(MODISO_ERR_INVAL, modiso_heap_resize(module, NULL, 1, NULL));
	expect(MODISO_ERR_INVAL, modiso_heap_free(NULL, NULL));
	expect(MODISO_ERR_INVAL, modiso_heap_get_size(module, block, NULL));
	expect(MODISO_ERR_INVAL, modiso_heap_get_info(module, NULL));
	expect(MODISO_ERR_INVAL, modiso_heap_get_info(module, &info));
	expect(MODISO_ERR_LIMIT, modiso_heap_alloc(module, 4097, 0, 0, &block));
	expect(MODISO_ERR_LIMIT,
	       modiso_heap_alloc(module, SIZE_MAX, 0, 0, &block));
	expect(MODISO_ERR_LIMIT,
	       modiso_heap_alloc(module, 1, (size_t)1 << 63, 0, &block));
	must_eq(block, &info);
	expect(MODISO_OK, modiso_heap_alloc(module, 0, 0, 0, &block));
	must(size_of(module, block) > 0);
	expect(MODISO_ERR_INVAL,
	       modiso_heap_get_size(module, (char *)block + 1, &size));
}
END_TEST

/* The region is the heap's. */
START_TEST(test_region)
{
	struct modiso_module *module = world_heap();
	struct modiso_module *other = heap_module("other", HEAP);
	struct modiso_region *region = module->heap->region;
	unsigned char *block = take_block(module, 64);

	expect(MODISO_ERR_BUSY, modiso_region_destroy(region));
	expect(MODISO_ERR_BUSY, modiso_region_protect(region, MODISO_READ));
	must_eq(region_info(region).base, info_of(module).base);
	must_blame(enter_fault(other, make_gate(other, poke_load1), W(block)),
		   MODISO_READ, block, region);
	must_blame(enter_fault(other, make_gate(other, poke_store1), W(block),
			       1),
		   MODISO_WRITE, block, region);
	expect(MODISO_OK, modiso_heap_destroy(module));
	must_eq(enter_fault(module, make_gate(module, poke_load1), W(block))
			->kind,
		MODISO_FAULT_ACCESS);
}
END_TEST

/* With keys not even the bookkeeping's own module can touch it. */
START_TEST(test_bookkeeping)
{
	struct modiso_module *module = world_heap();
	char *base = module->heap->area->base;

	take_block(module, 64);
	if (!on_pkey())
		return; /* as open as all memory of the host: see heap.h */
	must_eq(enter_fault(module, make_gate(module, poke_store8), W(base), 0)
			->kind,
		MODISO_FAULT_ACCESS);
	must_eq(enter_fault(module, make_gate(module, poke_load8),
			    W(base + module->heap->area->length - 8))
			->kind,
		MODISO_FAULT_ACCESS);
	expect(MODISO_OK, modiso_snapshot_take(module));
	must_eq(enter_fault(module, make_gate(module, poke_store8), W(base), 0)
			->kind,
		MODISO_FAULT_ACCESS);
	give_block(module, take_block(module, 64));
}
END_TEST

static void refuse(int want, struct modiso_module *module, void *block)
{
	uint64_t before = info_of(module).refused;
	void *out = &before;
	size_t size;

	expect(want, modiso_heap_free(module, block));
	expect(want, modiso_heap_get_size(module, block, &size));
	expect(want, modiso_heap_resize(module, block, 10, &out));
	must_eq(out, &before);
	must_eq(info_of(module).refused, before + 3);
	/* The same from inside. */
	must_eq((int)enter(make_gate(module, give_back), W(&calls), W(block)),
		want);
	must_eq(info_of(module).refused, before + 4);
}

START_TEST(test_wrong_pointers)
{
	struct modiso_module *module = world_heap();
	struct modiso_module *other = heap_module("other", HEAP);
	char *small = take_block(module, 40), *large, *theirs, *base;
	char *twice = take_block(module, 40);

	serve_all();
	large = take_block(module, 3 * PAGE);
	theirs = take_block(other, 40);
	base = info_of(module).base;
	refuse(MODISO_ERR_ACCESS, module, theirs);
	refuse(MODISO_ERR_ACCESS, module, &calls);
	refuse(MODISO_ERR_ACCESS, module, base - 1);
	refuse(MODISO_ERR_ACCESS, module, base + HEAP);
	refuse(MODISO_ERR_ACCESS, module, (void *)8);
	refuse(MODISO_ERR_ACCESS, module, (void *)UINTPTR_MAX);
	refuse(MODISO_ERR_ACCESS, module, (void *)0xffff800000000000);
	refuse(MODISO_ERR_INVAL, module, small + 1);
	refuse(MODISO_ERR_INVAL, module, small + 16);
	refuse(MODISO_ERR_INVAL, module, large + 8);
	refuse(MODISO_ERR_NOENT, module, large + PAGE);
	refuse(MODISO_ERR_NOENT, module, base + HEAP - PAGE);
	give_block(module, twice);
	refuse(MODISO_ERR_NOENT, module, twice);
	give_block(module, large);
	refuse(MODISO_ERR_NOENT, module, large);
	give_block(module, small);
	give_block(other, theirs);
	give_block(module, NULL);
	must_eq(info_of(module).blocks, 0);
	must_eq(info_of(other).refused, 0);
}
END_TEST

START_TEST(test_resize)
{
	struct modiso_module *module = world_heap();
	unsigned char *bytes = NULL;
	size_t size, i, old = 0;
	void *out = NULL;

	for (size = 1; size < 300000; size = size * 3 / 2 + 1) {
		expect(MODISO_OK,
		       modiso_heap_resize(module, bytes, size, &out));
		bytes = out;
		must(size_of(module, bytes) >= size);
		for (i = 0; i < old; i++)
			must_eq(bytes[i], (unsigned char)(i * 7));
		for (i = 0; i < size; i++)
			bytes[i] = (unsigned char)(i * 7);
		old = size;
	}
	must_eq(info_of(module).blocks, 1);
	/* No room: the block stays. */
	expect(MODISO_ERR_LIMIT,
	       modiso_heap_resize(module, bytes, HEAP + 1, &out));
	must_eq(out, bytes);
	for (size = old; size > 0; size /= 3) {
		expect(MODISO_OK,
		       modiso_heap_resize(module, bytes, size, &out));
		bytes = out;
		for (i = 0; i < size; i++)
			must_eq(bytes[i], (unsigned char)(i * 7));
	}
	give_block(module, bytes);
	must_eq(info_of(module).used, 0);
}
END_TEST

START_TEST(test_zero)
{
	struct modiso_module *module = world_heap();
	static const size_t sizes[] = {1, 16, 100, 4096, 5000, 100000};
	unsigned char *bytes = info_of(module).base;
	void *block;
	size_t i;

	memset(bytes, 0xee, HEAP);
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		expect(MODISO_OK, modiso_heap_alloc(module, sizes[i], 0,
						    MODISO_HEAP_ZERO, &block));
		must(all_bytes(block, 0, sizes[i]));
	}
}
END_TEST

/* Full is full, and not for ever. */
START_TEST(test_exhaustion)
{
	struct modiso_module *module = world_heap();
	void *first = NULL, **link = &first, *next, *block = NULL;
	unsigned long count = 0, size = (unsigned long)_i;

	/* The blocks are a list: the host writes it, in the module's memory. */
	while (modiso_heap_alloc(module, size, 0, 0, &block) == 0) {
		*link = block;
		link = block;
		*link = NULL;
		count++;
	}
	must(count * size >= HEAP / 2 && count * size <= HEAP);
	must_eq(info_of(module).blocks, count);
	expect(MODISO_ERR_LIMIT, modiso_heap_alloc(module, size, 0, 0, &block));
	for (block = first; block != NULL; block = next) {
		next = *(void **)block;
		give_block(module, block);
		count--;
	}
	must_eq(count, 0);
	must_eq(info_of(module).used, 0);
	take_block(module, HEAP);
}
END_TEST

enum { LIVE = 200 };

/*
 * The module writes whatever it likes wherever it can, and gives back whatever
 * it likes. The host's own blocks stay apart and in the heap.
 */
START_TEST(test_corrupted)
{
	struct modiso_module *module = world_heap();
	struct modiso_gate *spoil = make_gate(module, scribble);
	struct modiso_gate *give = make_gate(module, give_back);
	unsigned char *base = info_of(module).base, *block;
	struct {
		unsigned char *base;
		size_t size;
	} live[LIVE] = { { NULL, 0 } };
	unsigned long i, j, n, rounds = times(3000, 200);
	uint64_t seed = 5;
	size_t size;
	int code;

	serve_all();
	for (i = 0; i < rounds; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		n = (seed >> 33) % LIVE;
		size = 1 + (seed >> 40) % (i % 7 ? 200 : 9000);
		if (live[n].base) {
			give_block(module, live[n].base);
			live[n].base = NULL;
		} else if (modiso_heap_alloc(module, size, 0, 0,
					     (void **)&block) == 0) {
			must(block >= base && size <= HEAP &&
			     block + size <= base + HEAP);
			for (j = 0; j < LIVE; j++)
				must(live[j].base == NULL ||
				     block + size <= live[j].base ||
				     live[j].base + live[j].size <= block);
			live[n].base = block;
			live[n].size = size;
		}
		if (i % 16 == 0)
			enter(spoil, W(base + (seed >> 20) % (HEAP / 2)),
			      times(2000, 200), seed);
		/* Any pointer: a block's, and it is gone for the host. */
		block = base + ((seed >> 24) % HEAP & ~(size_t)15);
		code = (int)enter(give, W(&calls), W(block));
		for (j = 0; code == 0 && j < LIVE; j++)
			if (live[j].base == block)
				live[j].base = NULL;
	}
	for (j = 0; j < LIVE; j++)
		if (live[j].base)
			give_block(module, live[j].base);
	must_eq(info_of(module).used, 0);
	must_eq(info_of(module).blocks, 0);
}
END_TEST

static void without_pages(void *arg)
{
	struct modiso_module *module = arg;
	unsigned char *base = info_of(module).base;
	void *block = take_block(module, 2 * PAGE), *out = NULL;

	must(!munmap(base, HEAP));
	expect(MODISO_ERR_FAULT,
	       modiso_heap_alloc(module, 5000, 0, MODISO_HEAP_ZERO, &out));
	take_block(module, PAGE); /* behind it: it cannot grow in place */
	expect(MODISO_ERR_FAULT,
	       modiso_heap_resize(module, block, 9 * PAGE, &out));
	must_eq(out, NULL);
	/* The bookkeeping knows nothing of pages. */
	give_block(module, block);
	_exit(0);
}

START_TEST(test_unmapped)
{
	must_exit(child_status(without_pages, world_heap()), 0);
}
END_TEST

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
	unsigned char *blocks[8] = { NULL };
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
	unsigned long i, rounds = times(300, 30);

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
	unsigned long i, rounds = times(50, 5);

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
	Suite *suite = suite_create("heap");
	TCase *tcase = tcase_create("heap");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_both_sides);
	tcase_add_test(tcase, test_without_heap);
	tcase_add_test(tcase, test_wrong_arguments);
	tcase_add_test(tcase, test_region);
	tcase_add_test(tcase, test_bookkeeping);
	tcase_add_test(tcase, test_wrong_pointers);
	tcase_add_test(tcase, test_resize);
	tcase_add_test(tcase, test_zero);
	tcase_add_loop_test(tcase, test_exhaustion, 8, 10);
	tcase_add_loop_test(tcase, test_exhaustion, 2000, 2001);
	tcase_add_loop_test(tcase, test_exhaustion, 20000, 20001);
	tcase_add_test(tcase, test_corrupted);
	tcase_add_test(tcase, test_unmapped);
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
