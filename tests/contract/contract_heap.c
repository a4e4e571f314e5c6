/* SPDX-License-Identifier: MIT */
/*
 * contract_heap - blocks for both sides; whatever a module writes into its heap
 * or hands back as a pointer, the host takes no block for another.
 */
#include "contract/heap_user.h"
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"
#include "core/heap.h"
#include "core/vault.h"

#include <stdlib.h>
#include <string.h>

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
	struct modiso_heap_info info = {.struct_size = sizeof(info)};
	modiso_fn function = modiso_heap_function(MODISO_HEAP_MALLOC);
	void *block = &info;
	size_t size = 9;

	serve_all();
	must_eq(enter(make_gate(module, use_all), W(&calls)), 1);
	must_eq(((CALLED(void *, size_t))function)(16), NULL);
	must_eq(modiso_heap_function((enum modiso_heap_function)0), NULL);
	must_eq(modiso_heap_function((enum modiso_heap_function)8), NULL);
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
	struct modiso_heap_info info = {.struct_size = sizeof(info) - 1};
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
	must_blame(
		enter_fault(other, make_gate(other, poke_store1), W(block), 1),
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

static Suite *make_suite(void)
{
	Suite *suite = suite_create("heap");
	TCase *tcase = tcase_create("heap");

	tcase_add_test(tcase, test_both_sides);
	tcase_add_test(tcase, test_without_heap);
	tcase_add_test(tcase, test_wrong_arguments);
	tcase_add_test(tcase, test_region);
	tcase_add_test(tcase, test_bookkeeping);
	tcase_add_test(tcase, test_resize);
	tcase_add_test(tcase, test_zero);
	tcase_add_loop_test(tcase, test_exhaustion, 8, 10);
	tcase_add_loop_test(tcase, test_exhaustion, 2000, 2001);
	tcase_add_loop_test(tcase, test_exhaustion, 20000, 20001);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
