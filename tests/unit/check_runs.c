/* SPDX-License-Identifier: MIT */
/*
 * check_runs - a domain's pages as few ranges: against a table with one entry
 * for each page.
 */
#include "support/fake.h"
#include "support/test.h"
#include "support/world.h"

#include "core/runs.h"
#include "core/vault.h"
#include "os/memory.h"

#include <stdlib.h>
#include <string.h>

#define PAGES  24
#define ROUNDS 20000

/* Never touched. */
static char *const start = (char *)0x10000000;

static uint32_t model[PAGES];
static struct mdi_runs runs;

static void set(size_t first, size_t count, uint32_t prot, bool outside)
{
	struct mdi_runs out;
	size_t i;

	must(mdi_runs_set(&runs, start + first * MDI_PAGE_SIZE,
			  count * MDI_PAGE_SIZE, prot, outside, &out));
	must(out.count <= out.room);
	mdi_runs_free(&runs);
	runs = out;
	for (i = first; i < first + count; i++)
		model[i] = prot;
}

/* The pages of the runs are those of the table, each once and in order. */
static void compare(void)
{
	uint32_t seen[PAGES] = {0};
	char *end = start;
	size_t i, page, stop;

	for (i = 0; i < runs.count; i++) {
		const struct mdi_run *run = &runs.run[i];

		must(run->base >= end);
		must(run->length != 0);
		end = run->base + run->length;
		page = (size_t)(run->base - start) / MDI_PAGE_SIZE;
		stop = (size_t)(end - start) / MDI_PAGE_SIZE;
		must(stop <= PAGES);
		while (page < stop)
			seen[page++] = run->prot;
	}
	must(!memcmp(seen, model, sizeof(seen)));
}

/* As few as can be: every end is a hole or a change of protection. */
static size_t fewest(void)
{
	size_t i, count = 0;

	for (i = 0; i < PAGES; i++)
		if (model[i] && (i == 0 || model[i - 1] != model[i]))
			count++;
	return count;
}

START_TEST(test_join)
{
	set(0, 2, MDI_PROT_READ, false);
	set(4, 2, MDI_PROT_READ, false);
	ck_assert_uint_eq(runs.count, 2);
	set(2, 2, MDI_PROT_READ, false);
	ck_assert_uint_eq(runs.count, 1);
	ck_assert_uint_eq(runs.run[0].length, 6 * MDI_PAGE_SIZE);
	set(6, 1, RX, false);
	ck_assert_uint_eq(runs.count, 2);
}
END_TEST

START_TEST(test_split)
{
	set(0, 9, MDI_PROT_READ, false);
	set(3, 3, MDI_PROT_NONE, false);
	ck_assert_uint_eq(runs.count, 2);
	compare();
	set(0, 3, RX, false);
	set(1, 1, MDI_PROT_READ, false);
	ck_assert_uint_eq(runs.count, 4);
	compare();
	set(0, PAGES, MDI_PROT_NONE, false);
	ck_assert_uint_eq(runs.count, 0);
}
END_TEST

START_TEST(test_random)
{
	static const uint32_t prots[] = {MDI_PROT_NONE, MDI_PROT_READ,
					 MDI_PROT_READ | MDI_PROT_WRITE, RX};
	size_t first, count;
	int i;

	srand(1);
	for (i = 0; i < ROUNDS; i++) {
		first = (size_t)rand() % PAGES;
		count = 1 + (size_t)rand() % (PAGES - first);
		set(first, count, prots[rand() % 4], false);
		compare();
		must_eq(runs.count, fewest());
	}
}
END_TEST

/* Adopted memory: each piece is a mapping of its own and stays a run. */
START_TEST(test_outside)
{
	set(4, 2, MDI_PROT_READ, false);
	set(6, 2, MDI_PROT_READ, true);
	set(8, 2, MDI_PROT_READ, true);
	set(2, 2, MDI_PROT_READ, true);
	compare();
	ck_assert_uint_eq(runs.count, 4);
	ck_assert(runs.run[0].outside && !runs.run[1].outside);
	ck_assert(runs.run[2].outside && runs.run[3].outside);
	/* A change in the middle leaves both ends what they were. */
	set(0, PAGES, MDI_PROT_NONE, false);
	set(4, 6, MDI_PROT_READ, true);
	set(6, 2, RX, true);
	compare();
	ck_assert_uint_eq(runs.count, 3);
	ck_assert(runs.run[0].outside && runs.run[1].outside);
	ck_assert(runs.run[2].outside);
}
END_TEST

/* Nothing is half done when there is no memory. */
START_TEST(test_no_memory)
{
	struct mdi_runs out, before;

	set(0, 2, MDI_PROT_READ, false);
	before = runs;
	while (mdi_vault_alloc(3 * sizeof(*out.run)) != NULL)
		fake_patience = 0;
	ck_assert(!mdi_runs_set(&runs, start, MDI_PAGE_SIZE, RX, false, &out));
	ck_assert_mem_eq(&runs, &before, sizeof(runs));
	compare();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("runs");
	TCase *tcase = tcase_create("unit");

	fake_start();
	tcase_add_test(tcase, test_join);
	tcase_add_test(tcase, test_split);
	tcase_add_test(tcase, test_random);
	tcase_add_test(tcase, test_outside);
	tcase_add_test(tcase, test_no_memory);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
