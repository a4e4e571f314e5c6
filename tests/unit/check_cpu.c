/* SPDX-License-Identifier: MIT */
/*
 * check_cpu - what the library believes of the CPU, against what the kernel
 * says in /proc/cpuinfo.
 */
#include "support/test.h"

#include "arch/cpu.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char flags[8192];

static void setup(void)
{
	FILE *file = fopen("/proc/cpuinfo", "re");

	ck_assert_ptr_nonnull(file);
	while (fgets(flags, sizeof(flags) - 1, file))
		if (!strncmp(flags, "flags", 5))
			break;
	fclose(file);
	ck_assert(!strncmp(flags, "flags", 5));
	flags[strcspn(flags, "\n")] = ' ';
}

static bool has(const char *name)
{
	char word[32];

	snprintf(word, sizeof(word), " %s ", name);
	return strstr(flags, word) != NULL;
}

START_TEST(test_flags)
{
	const struct mdi_cpu *cpu = mdi_cpu();

	/* Where the kernel leaves keys off, it takes the CPU's bit away too. */
	ck_assert(!has("pku") || cpu->pku);
	ck_assert_int_eq(cpu->ospke, has("ospke"));
	ck_assert_int_eq(cpu->avx, has("avx"));
	ck_assert_int_eq(cpu->avx2, has("avx2"));
	ck_assert_int_eq(cpu->avx512, has("avx512f"));
	ck_assert(!cpu->fsgsbase || has("fsgsbase"));
	ck_assert(cpu->pku || !cpu->ospke);
}
END_TEST

START_TEST(test_pkru_offset)
{
	const struct mdi_cpu *cpu = mdi_cpu();

	if (!cpu->ospke) {
		ck_assert_uint_eq(cpu->rights_offset, 0);
		return;
	}
	/* Behind the legacy area and the header, inside any XSAVE area. */
	ck_assert_uint_ge(cpu->rights_offset, 576);
	ck_assert_uint_lt(cpu->rights_offset, 16384);
	ck_assert_uint_eq(cpu->rights_offset % 8, 0);
}
END_TEST

START_TEST(test_once)
{
	ck_assert_ptr_eq(mdi_cpu(), mdi_cpu());
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("cpu");
	TCase *tcase = tcase_create("unit");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, test_flags);
	tcase_add_test(tcase, test_pkru_offset);
	tcase_add_test(tcase, test_once);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
