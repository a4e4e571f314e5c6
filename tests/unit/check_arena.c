/* SPDX-License-Identifier: MIT */
/*
 * check_arena - an address range given out in pieces, from both ends: against
 * a table with one entry for each page.
 */
#include "support/fake.h"
#include "support/test.h"
#include "support/world.h"

#include "core/arena.h"
#include "core/vault.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGES  64
#define ROUNDS 20000

static struct mdi_arena arena;
static char *first_page; /* of those that are given out */
static bool taken[PAGES];

static struct piece {
	char *base;
	size_t pages;
} pieces[PAGES];
static size_t count;

static void setup(void)
{
	fake_start();
	ck_assert_int_eq(mdi_arena_init(&arena, 0, PAGES * MDI_PAGE_SIZE), 0);
	ck_assert_ptr_eq(arena.floor, arena.base + MDI_PAGE_SIZE);
	first_page = arena.floor;
}

static char *take(size_t pages, bool from_top)
{
	return mdi_arena_take(&arena, pages * MDI_PAGE_SIZE, from_top);
}

static void give(char *base, size_t pages)
{
	mdi_arena_give(&arena, base, pages * MDI_PAGE_SIZE);
}

static size_t page_of(const char *base)
{
	must((size_t)(base - first_page) % MDI_PAGE_SIZE == 0);
	return (size_t)(base - first_page) / MDI_PAGE_SIZE;
}

/* The longest stretch that nobody has. */
static size_t longest(void)
{
	size_t i, run = 0, best = 0;

	for (i = 0; i < PAGES; i++) {
		run = taken[i] ? 0 : run + 1;
		best = run > best ? run : best;
	}
	return best;
}

/* Extents in order, apart from each other, and exactly what is not taken. */
static void compare(void)
{
	bool open[PAGES] = {false};
	char *end = NULL;
	size_t i, page, n;

	for (i = 0; i < arena.free_count; i++) {
		must(arena.free[i].base > end);
		end = arena.free[i].base + arena.free[i].length;
		page = page_of(arena.free[i].base);
		n = arena.free[i].length / MDI_PAGE_SIZE;
		while (n--)
			open[page++] = true;
	}
	for (i = 0; i < PAGES; i++)
		must(open[i] != taken[i]);
}

static void note(char *base, size_t pages, bool value)
{
	size_t i, page = page_of(base);

	ck_assert_uint_le(page + pages, PAGES);
	for (i = page; i < page + pages; i++) {
		must(taken[i] != value);
		taken[i] = value;
	}
}

START_TEST(test_ends)
{
	ck_assert_ptr_eq(take(2, false), first_page);
	ck_assert_ptr_eq(take(3, false), first_page + 2 * MDI_PAGE_SIZE);
	ck_assert_ptr_eq(take(1, true),
			 first_page + (PAGES - 1) * MDI_PAGE_SIZE);
	ck_assert_ptr_eq(take(4, true),
			 first_page + (PAGES - 5) * MDI_PAGE_SIZE);
}
END_TEST

START_TEST(test_full)
{
	ck_assert_ptr_null(take(PAGES + 1, false));
	ck_assert_ptr_eq(take(PAGES, true), first_page);
	ck_assert_ptr_null(take(1, false));
	ck_assert_ptr_null(take(1, true));
	ck_assert_uint_eq(arena.free_count, 0);
	give(first_page, PAGES);
	ck_assert_ptr_eq(take(PAGES, false), first_page);
}
END_TEST

/* In each of the six orders three neighbours become one again. */
START_TEST(test_join)
{
	static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					 {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	char *base[3];
	int i;

	for (i = 0; i < 3; i++)
		base[i] = take(i == 2 ? PAGES - 2 : 1, false);
	for (i = 0; i < 3; i++)
		give(base[orders[_i][i]], orders[_i][i] == 2 ? PAGES - 2 : 1);
	ck_assert_uint_eq(arena.free_count, 1);
	ck_assert_uint_eq(arena.free[0].length, PAGES * MDI_PAGE_SIZE);
	ck_assert_ptr_eq(arena.free[0].base, first_page);
}
END_TEST

static void take_some(void)
{
	size_t pages = 1 + (size_t)rand() % 6;
	char *base = take(pages, rand() % 2);

	if (!base) {
		ck_assert_uint_lt(longest(), pages);
		return;
	}
	note(base, pages, true);
	pieces[count++] = (struct piece){base, pages};
}

/* A place of the caller's choice: free throughout, or refused. */
static void take_there(void)
{
	size_t first = (size_t)rand() % PAGES, i;
	size_t pages = 1 + (size_t)rand() % 6;
	char *base = first_page + first * MDI_PAGE_SIZE;
	bool is_free = first + pages <= PAGES;

	for (i = first; is_free && i < first + pages; i++)
		is_free = !taken[i];
	must_eq(mdi_arena_take_at(&arena, base, pages * MDI_PAGE_SIZE),
		is_free);
	if (!is_free)
		return;
	note(base, pages, true);
	pieces[count++] = (struct piece){base, pages};
}

static void give_one(void)
{
	size_t i;

	if (!count)
		return;
	i = (size_t)rand() % count;
	note(pieces[i].base, pieces[i].pages, false);
	give(pieces[i].base, pieces[i].pages);
	pieces[i] = pieces[--count];
}

START_TEST(test_random)
{
	int i;

	srand(1);
	for (i = 0; i < ROUNDS; i++) {
		switch (rand() % 4) {
		case 0:
			take_some();
			break;
		case 1:
			take_there();
			break;
		default:
			give_one();
		}
		compare();
	}
	while (count)
		give_one();
	compare();
	ck_assert_uint_eq(arena.free_count, 1);
}
END_TEST

/* The range is address space and nothing else; it goes away whole. */
START_TEST(test_reserved)
{
	unsigned char vec[PAGES + 1];

	ck_assert_int_eq(mincore(arena.base, arena.length, vec), 0);
	mdi_arena_fini(&arena);
	ck_assert_int_eq(mincore(arena.base, MDI_PAGE_SIZE, vec), -1);
	ck_assert_int_eq(mincore(arena.base + PAGES * MDI_PAGE_SIZE,
				 MDI_PAGE_SIZE, vec),
			 -1);
}
END_TEST

/* The rooms at both ends: only for who asks for them. */
START_TEST(test_rooms)
{
	const size_t page = MDI_PAGE_SIZE, room = 4 * page;
	struct mdi_arena other;
	char *floor, *ceiling;

	ck_assert_int_eq(mdi_arena_init(&other, room, 8 * page), 0);
	floor = other.floor;
	ceiling = other.ceiling;
	ck_assert_ptr_eq(floor, other.base + page + room);
	ck_assert_ptr_eq(ceiling, floor + 8 * page);
	ck_assert_uint_eq(other.length, 17 * page);
	must(mdi_arena_fits(&other, 8 * page));
	must(!mdi_arena_fits(&other, 9 * page));
	/* From either end of a piece that reaches into both. */
	ck_assert_ptr_eq(mdi_arena_take(&other, page, false), floor);
	mdi_arena_give(&other, floor, page);
	ck_assert_ptr_eq(mdi_arena_take(&other, page, true), ceiling - page);
	mdi_arena_give(&other, ceiling - page, page);
	ck_assert_ptr_eq(mdi_arena_take(&other, 8 * page, true), floor);
	ck_assert_ptr_null(mdi_arena_take(&other, page, false));
	ck_assert_ptr_null(mdi_arena_take(&other, page, true));
	must(!mdi_arena_fits(&other, page));
	/* The upper one, and what is free of the middle when it is full. */
	ck_assert_ptr_eq(mdi_arena_take_top(&other, room - page),
			 ceiling + page);
	ck_assert_ptr_null(mdi_arena_take_top(&other, 2 * page));
	mdi_arena_give(&other, ceiling - page, page);
	ck_assert_ptr_eq(mdi_arena_take_top(&other, 2 * page), ceiling - page);
	/* The lower one by its place alone. */
	ck_assert_ptr_null(mdi_arena_take_top(&other, page));
	must(!mdi_arena_take_at(&other, other.base, room));
	must(mdi_arena_take_at(&other, other.base + page, room));
	mdi_arena_give(&other, floor - page, 2 * page);
	ck_assert_ptr_null(mdi_arena_take(&other, 2 * page, true));
	ck_assert_ptr_eq(mdi_arena_take(&other, page, true), floor);
	mdi_arena_fini(&other);
}
END_TEST

/* Each below the one before; one that has gone leaves its place to others. */
START_TEST(test_side_by_side)
{
	const size_t length = 8 * MDI_PAGE_SIZE, whole = length + MDI_PAGE_SIZE;
	struct mdi_arena other[4];
	const char *call;

	mdi_arena_reset();
	mdi_arch_state.blocks = mdi_mem_reserve(length, MDI_PAGE_SIZE, &call);
	must(mdi_arch_state.blocks != NULL);
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(mdi_arena_init(&other[i], 0, length), 0);
		if (i > 0)
			ck_assert_ptr_eq(other[i].base + whole,
					 other[i - 1].base);
	}
	/* Two that lie in between, as one hole for a larger one. */
	mdi_arena_fini(&other[1]);
	mdi_arena_fini(&other[2]);
	ck_assert_int_eq(mdi_arena_init(&other[1], 0, length), 0);
	ck_assert_ptr_eq(other[1].base + whole, other[0].base);
	mdi_arena_fini(&other[1]);
	ck_assert_int_eq(
		mdi_arena_init(&other[1], 0, length + whole), 0);
	ck_assert_ptr_eq(other[1].base, other[3].base + whole);
	/* The lowest ones. */
	mdi_arena_fini(&other[1]);
	mdi_arena_fini(&other[3]);
	ck_assert_int_eq(mdi_arena_init(&other[1], 0, length), 0);
	ck_assert_ptr_eq(other[1].base + whole, other[0].base);
	/* A larger one than what is free of a hole: below all others. */
	ck_assert_int_eq(mdi_arena_init(&other[2], 0, length), 0);
	mdi_arena_fini(&other[1]);
	ck_assert_int_eq(mdi_arena_init(&other[1], 0, length + whole), 0);
	ck_assert_ptr_eq(other[1].base + whole + whole, other[2].base);
	for (int i = 0; i < 3; i++)
		mdi_arena_fini(&other[i]);
	mdi_mem_release(mdi_arch_state.blocks, length);
	mdi_arch_state.blocks = NULL;
}
END_TEST

/* No memory for the list: a code, and no address space kept. */
START_TEST(test_no_memory)
{
	struct mdi_arena other;
	unsigned char vec;

	mdi_vault_stop();
	fake_patience = 0;
	ck_assert_int_eq(mdi_arena_init(&other, 0, 8 * MDI_PAGE_SIZE),
			 MODISO_ERR_NOMEM);
	ck_assert_int_eq(mincore(other.base, MDI_PAGE_SIZE, &vec), -1);
	ck_assert_int_eq(mdi_arena_init(&other, 0, (size_t)1 << 60),
			 MODISO_ERR_OS);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("arena");
	TCase *tcase = tcase_create("unit");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, test_ends);
	tcase_add_test(tcase, test_full);
	tcase_add_loop_test(tcase, test_join, 0, 6);
	tcase_add_test(tcase, test_random);
	tcase_add_test(tcase, test_reserved);
	tcase_add_test(tcase, test_rooms);
	tcase_add_test(tcase, test_side_by_side);
	tcase_add_test(tcase, test_no_memory);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
