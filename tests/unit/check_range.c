/* SPDX-License-Identifier: MIT */
/*
 * check_range - is a range of bytes a module's own? With regions that are in
 * the address map only: no byte of them exists.
 */
#include "support/test.h"
#include "support/world.h"

#include "core/range.h"
#include "core/region.h"
#include "os/guard.h"

#include <string.h>

#define BASE ((uintptr_t)0x100000)
#define RO   MODISO_READ

static struct modiso_module mine = {.id = 1, .name = "mine"};
static struct modiso_module theirs = {.id = 2, .name = "theirs"};

/*
 * Pages from BASE on: 0-1 rw, 2 r, 3 theirs, 4 nothing, from 5 on a stack of
 * mine, whose guard comes first.
 */
#define STACK (BASE + 5 * PAGE + MDI_GUARD_SIZE)

static struct modiso_region regions[] = {
	{.node = {BASE, BASE + 2 * PAGE, 0, 0},
	 .owner = &mine,
	 .domain = &mine.domain,
	 .access = RW,
	 .name = "rw"},
	{.node = {BASE + 2 * PAGE, BASE + 3 * PAGE, 0, 0},
	 .owner = &mine,
	 .domain = &mine.domain,
	 .access = RO,
	 .name = "ro"},
	{.node = {BASE + 3 * PAGE, BASE + 4 * PAGE, 0, 0},
	 .owner = &theirs,
	 .domain = &theirs.domain,
	 .access = RW,
	 .name = "foreign"},
	{.node = {BASE + 5 * PAGE, STACK + 3 * PAGE, 0, 0},
	 .owner = &mine,
	 .domain = &mine.domain,
	 .access = RW,
	 .stack = true,
	 .name = "stack"},
	/* Up to the very last byte that there is. */
	{.node = {-PAGE, UINTPTR_MAX, 0, 0},
	 .owner = &mine,
	 .domain = &mine.domain,
	 .access = RW,
	 .name = "top"},
};

static void setup(void)
{
	size_t i;

	for (i = 0; i < sizeof(regions) / sizeof(*regions); i++)
		mdi_addrmap_insert(&regions[i].node);
}

/* Table of ranges, and how many bytes from the start on are mine. */
static const struct {
	uintptr_t at;
	size_t length;
	uint32_t access;
	size_t reach;
} table[] = {
	{BASE, 2 * PAGE, RW, 2 * PAGE},
	{BASE, 1, RW, 1},
	{BASE + 2 * PAGE - 1, 1, RW, 1},
	{BASE - 1, 2, RO, 0},
	{BASE, 3 * PAGE, RO, 3 * PAGE},
	{BASE, 3 * PAGE, RW, 2 * PAGE},
	{BASE + 2 * PAGE - 1, 2, MODISO_WRITE, 1},
	{BASE + 2 * PAGE, 1, MODISO_WRITE, 0},
	{BASE + 2 * PAGE, PAGE + 1, RO, PAGE},
	{BASE + 3 * PAGE, 1, RO, 0},
	{BASE, 9 * PAGE, RO, 3 * PAGE},
	{BASE, 1, MODISO_EXEC, 0},
	{BASE + 4 * PAGE, 1, RO, 0},
	{BASE + 5 * PAGE, 1, RO, 0},
	{STACK - 1, 1, RO, 0},
	{STACK, 3 * PAGE, RW, 3 * PAGE},
	{STACK, 3 * PAGE + 1, RW, 3 * PAGE},
	/* Nothing is nobody's, anywhere. */
	{BASE + 3 * PAGE, 0, RW, 0},
	{0, 0, RW, 0},
	{UINTPTR_MAX, 0, RW, 0},
	{0, UINTPTR_MAX, RO, 0},
	{-PAGE, PAGE - 1, RW, PAGE - 1},
};

START_TEST(test_table)
{
	size_t reach = mdi_range_reach(&mine, table[_i].at, table[_i].length,
				       table[_i].access);

	must_eq(reach, table[_i].reach);
	must_eq(mdi_range_check(&mine, table[_i].at, table[_i].length,
				table[_i].access),
		reach == table[_i].length ? 0 : MODISO_ERR_ACCESS);
}
END_TEST

START_TEST(test_wraps)
{
	size_t i;

	for (i = 1; i < 100; i++) {
		must_eq(mdi_range_check(&mine, UINTPTR_MAX - i + 1, i, RO),
			MODISO_ERR_ACCESS);
		must_eq(mdi_range_reach(&mine, UINTPTR_MAX - i + 1, i, RO), 0);
		must(strstr(modiso_last_error_text(), "wrap"));
		must_eq(mdi_range_check(&mine, BASE + i, SIZE_MAX - i, RO),
			MODISO_ERR_ACCESS);
	}
}
END_TEST

/* The sentence names the first byte that is not to be had, and whose it is. */
START_TEST(test_sentence)
{
	mdi_range_check(&mine, BASE + 2 * PAGE, PAGE + 3, RO);
	must(strstr(modiso_last_error_text(), "byte 4096 of 4099"));
	must(strstr(modiso_last_error_text(), "foreign of theirs"));
	mdi_range_check(&theirs, BASE + 3 * PAGE + 1, PAGE, RO);
	must(strstr(modiso_last_error_text(), "byte 4095 of 4096"));
	must(strstr(modiso_last_error_text(), "no region of module theirs"));
}
END_TEST

/* Only the named side counts; and only while a copy is under way. */
START_TEST(test_covers)
{
	char from[8] = "from", to[8] = "";

	must(!mdi_copy_covers(W(from)));
	must(!mdi_copy_covers(0));
	must_eq(mdi_range_copy(to, from, sizeof(to), from), 0);
	must_str(to, "from");
	must(!mdi_copy_covers(W(from)));
	must(!mdi_copy_covers(W(to)));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("range");
	TCase *tcase = tcase_create("unit");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_loop_test(tcase, test_table, 0,
			    (int)(sizeof(table) / sizeof(*table)));
	tcase_add_test(tcase, test_wraps);
	tcase_add_test(tcase, test_sentence);
	tcase_add_test(tcase, test_covers);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
