/* SPDX-License-Identifier: MIT */
/*
 * check_blocks - the bookkeeping of a heap against a model: a table of the
 * blocks that are taken, and one byte for every 16 of the heap.
 */
#include "support/test.h"
#include "support/world.h"

#include "core/blocks.h"

#include <stdlib.h>
#include <string.h>

#define PAGES  512
#define LIVE   5000
#define UNIT   MDI_BLOCK_ALIGN
#define LENGTH (PAGES * MDI_PAGE_SIZE)

/* Where the heap would be: at no multiple of more than a page. */
#define BASE ((uintptr_t)0x7f0000003000)

static struct mdi_blocks *blocks;
static size_t heap_pages;

static struct {
	size_t offset, size;
} live[LIVE];
static size_t live_count;
static unsigned char units[LENGTH / UNIT]; /* 1: taken, 2: taken, a beginning */

static uint64_t seed;

static uint64_t next_random(void)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return seed >> 33;
}

static void start(size_t pages)
{
	free(blocks);
	blocks = calloc(1, mdi_blocks_room(pages));
	must(blocks);
	heap_pages = pages;
	mdi_blocks_init(blocks, pages, BASE);
	memset(units, 0, pages * MDI_PAGE_SIZE / UNIT);
	live_count = 0;
}

/* In the heap, as large as asked for, aligned, and nobody else's. */
static void note(size_t offset, size_t asked, size_t align)
{
	size_t size = 0, i;

	must_eq(mdi_blocks_size(blocks, offset, &size), MDI_BLOCK_OK);
	must(size >= asked);
	must_eq((BASE + offset) % align, 0);
	must_eq(offset % UNIT, 0);
	must_eq(size % UNIT, 0);
	must(offset < heap_pages * MDI_PAGE_SIZE &&
	     size <= heap_pages * MDI_PAGE_SIZE - offset);
	for (i = offset / UNIT; i < (offset + size) / UNIT; i++) {
		must_eq(units[i], 0);
		units[i] = 1;
	}
	units[offset / UNIT] = 2;
	live[live_count].offset = offset;
	live[live_count++].size = size;
}

static void unnote(size_t n)
{
	memset(units + live[n].offset / UNIT, 0, live[n].size / UNIT);
	live[n] = live[--live_count];
}

static size_t random_size(void)
{
	switch (next_random() % 8) {
	case 0:
		return 1 + next_random() % (20 * MDI_PAGE_SIZE);
	case 1:
		return 1 + next_random() % MDI_PAGE_SIZE;
	default:
		return 1 + next_random() % 300;
	}
}

static void take_one(void)
{
	size_t size = random_size(), offset = 1;
	size_t align = next_random() % 6 ? 1 : (size_t)1 << next_random() % 15;

	if (live_count == LIVE)
		return;
	if (mdi_blocks_take(blocks, size, align, &offset) == MDI_BLOCK_OK)
		note(offset, size, align);
	else
		must_eq(offset, 1);
}

static void give_one(void)
{
	size_t n, offset;

	if (live_count == 0)
		return;
	n = next_random() % live_count;
	offset = live[n].offset;
	must_eq(mdi_blocks_give(blocks, offset), MDI_BLOCK_OK);
	unnote(n);
	/* Not a second time. */
	must_eq(mdi_blocks_give(blocks, offset), MDI_BLOCK_FREE);
}

static void resize_one(void)
{
	size_t n, offset, size = random_size();

	if (live_count == 0)
		return;
	n = next_random() % live_count;
	offset = live[n].offset;
	if (mdi_blocks_resize(blocks, offset, size) != MDI_BLOCK_OK)
		return;
	unnote(n);
	note(offset, size, 1);
}

/* Any number: refused unless a block begins there. */
static void give_wrong(void)
{
	size_t offset = next_random() % (heap_pages * MDI_PAGE_SIZE), size;

	if (next_random() % 2)
		offset &= ~(UNIT - 1);
	if (offset % UNIT == 0 && units[offset / UNIT] == 2)
		return;
	must(mdi_blocks_size(blocks, offset, &size) != MDI_BLOCK_OK);
	must(mdi_blocks_resize(blocks, offset, 100) != MDI_BLOCK_OK);
	must(mdi_blocks_give(blocks, offset) != MDI_BLOCK_OK);
}

static void check_sums(void)
{
	size_t i, used = 0;

	for (i = 0; i < live_count; i++)
		used += live[i].size;
	must_eq(blocks->used, used);
	must_eq(blocks->count, live_count);
	must(blocks->peak >= used);
}

static void give_all(void)
{
	size_t offset = 1;

	while (live_count > 0) {
		must_eq(mdi_blocks_give(blocks, live[0].offset), MDI_BLOCK_OK);
		unnote(0);
	}
	check_sums();
	/* All of it is one run again. */
	must_eq(mdi_blocks_take(blocks, heap_pages * MDI_PAGE_SIZE, 1, &offset),
		MDI_BLOCK_OK);
	must_eq(offset, 0);
	must_eq(mdi_blocks_take(blocks, 1, 1, &offset), MDI_BLOCK_FULL);
	must_eq(mdi_blocks_give(blocks, 0), MDI_BLOCK_OK);
}

START_TEST(test_model)
{
	static const size_t sizes[] = {1, 2, 7, 8, 9, 63, 100, 511, 512};
	unsigned long i, rounds = run_times(40000, 2000);

	seed = (uint64_t)_i + 1;
	start(sizes[_i]);
	for (i = 0; i < rounds; i++) {
		/* In waves, so that the heap fills up and empties. */
		unsigned kind = (unsigned)(next_random() % 16);
		bool filling = i / 2000 % 2 == 0;

		if (kind < (filling ? 8u : 5u))
			take_one();
		else if (kind < 13)
			give_one();
		else if (kind < 14)
			resize_one();
		else
			give_wrong();
		if (i % 512 == 0)
			check_sums();
	}
	give_all();
}
END_TEST

/* Every size that has a class of its own, each alignment, until it is full. */
START_TEST(test_sizes)
{
	size_t size, offset, got = 0, taken;

	for (size = 1; size <= 5000; size++) {
		start(8);
		must_eq(mdi_blocks_take(blocks, size, 1, &offset),
			MDI_BLOCK_OK);
		must_eq(mdi_blocks_size(blocks, offset, &got), MDI_BLOCK_OK);
		must(got >= size);
		/* At most a quarter is lost, but for the smallest and pages. */
		if (size >= 64 && size <= 2048)
			must(got <= size + size / 4);
	}
	for (size = 16; size <= 4096; size *= 2) {
		start(16);
		for (taken = 0; mdi_blocks_take(blocks, size, size, &offset) ==
				MDI_BLOCK_OK;
		     taken++)
			note(offset, size, size);
		must_eq(taken, 16 * MDI_PAGE_SIZE / size);
		give_all();
	}
}
END_TEST

START_TEST(test_limits)
{
	size_t offset = 1;

	start(64);
	must_eq(mdi_blocks_take(blocks, SIZE_MAX, 1, &offset), MDI_BLOCK_FULL);
	must_eq(mdi_blocks_take(blocks, SIZE_MAX - 4095, 1, &offset),
		MDI_BLOCK_FULL);
	must_eq(mdi_blocks_take(blocks, 64 * MDI_PAGE_SIZE + 1, 1, &offset),
		MDI_BLOCK_FULL);
	must_eq(mdi_blocks_take(blocks, 1, (size_t)1 << 63, &offset),
		MDI_BLOCK_FULL);
	must_eq(mdi_blocks_take(blocks, 1, 128 * MDI_PAGE_SIZE, &offset),
		MDI_BLOCK_FULL);
	must_eq(offset, 1);
	must_eq(mdi_blocks_take(blocks, 1, 32 * MDI_PAGE_SIZE, &offset),
		MDI_BLOCK_OK);
	must_eq((BASE + offset) % (32 * MDI_PAGE_SIZE), 0);
	/* An empty slab that was kept is no reason to refuse. */
	start(8);
	must_eq(mdi_blocks_take(blocks, 16, 1, &offset), MDI_BLOCK_OK);
	must_eq(mdi_blocks_give(blocks, offset), MDI_BLOCK_OK);
	must_eq(mdi_blocks_take(blocks, 8 * MDI_PAGE_SIZE, 1, &offset),
		MDI_BLOCK_OK);
}
END_TEST

/* Also one that is not the first of its list any more. */
START_TEST(test_empty_slab)
{
	size_t offsets[257], i;

	start(8);
	for (i = 0; i < 257; i++)
		must_eq(mdi_blocks_take(blocks, 16, 1, &offsets[i]),
			MDI_BLOCK_OK);
	must_eq(mdi_blocks_give(blocks, offsets[256]), MDI_BLOCK_OK);
	must_eq(mdi_blocks_give(blocks, offsets[0]), MDI_BLOCK_OK);
	must_eq(mdi_blocks_take(blocks, 7 * MDI_PAGE_SIZE, 1, &offsets[0]),
		MDI_BLOCK_OK);
}
END_TEST

/* Large blocks grow into what is free behind them, and shrink. */
START_TEST(test_resize)
{
	size_t one, two, size;

	start(16);
	must_eq(mdi_blocks_take(blocks, 2 * MDI_PAGE_SIZE, 1, &one),
		MDI_BLOCK_OK);
	must_eq(mdi_blocks_resize(blocks, one, 10 * MDI_PAGE_SIZE),
		MDI_BLOCK_OK);
	must_eq(mdi_blocks_size(blocks, one, &size), MDI_BLOCK_OK);
	must_eq(size, 10 * MDI_PAGE_SIZE);
	must_eq(mdi_blocks_take(blocks, 3 * MDI_PAGE_SIZE, 1, &two),
		MDI_BLOCK_OK);
	must_eq(mdi_blocks_resize(blocks, one, 14 * MDI_PAGE_SIZE),
		MDI_BLOCK_FULL);
	must_eq(mdi_blocks_resize(blocks, one, MDI_PAGE_SIZE + 1),
		MDI_BLOCK_OK);
	must_eq(blocks->used, 5 * MDI_PAGE_SIZE);
	must_eq(mdi_blocks_resize(blocks, one, 100), MDI_BLOCK_FULL);
	must_eq(mdi_blocks_resize(blocks, one + 16, 5000), MDI_BLOCK_INSIDE);
	must_eq(mdi_blocks_give(blocks, one), MDI_BLOCK_OK);
	must_eq(mdi_blocks_give(blocks, two), MDI_BLOCK_OK);
	must_eq(mdi_blocks_take(blocks, 16 * MDI_PAGE_SIZE, 1, &one),
		MDI_BLOCK_OK);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("blocks");
	TCase *tcase = tcase_create("blocks");

	tcase_add_loop_test(tcase, test_model, 0, 9);
	tcase_add_test(tcase, test_sizes);
	tcase_add_test(tcase, test_limits);
	tcase_add_test(tcase, test_empty_slab);
	tcase_add_test(tcase, test_resize);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
