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

/* Made up: no machine has all of these. */
static const struct registers {
	uint64_t xcr0;
	bool has_avx, has_avx512; /* by CPUID */
	bool avx, avx512, amx, apx;
	uint64_t others;
} registers[] = {
	{.xcr0 = 0},
	{.xcr0 = 0x3},
	{.xcr0 = 0x3, .has_avx = true, .has_avx512 = true},
	{.xcr0 = 0x7, .has_avx = true, .avx = true},
	{.xcr0 = 0x207, .has_avx = true, .avx = true},
	{.xcr0 = 0xe7, .has_avx = true, .has_avx512 = true, .avx = true,
	 .avx512 = true},
	/* Saved, but by what CPUID says of no use to anybody: not cleared. */
	{.xcr0 = 0x7, .others = 0x4},
	{.xcr0 = 0xe7, .has_avx = true, .avx = true, .others = 0xe0},
	{.xcr0 = 0x67, .has_avx = true, .has_avx512 = true, .avx = true,
	 .others = 0x60},
	{.xcr0 = 0x602e7, .has_avx = true, .has_avx512 = true, .avx = true,
	 .avx512 = true, .amx = true},
	/* Half of it. */
	{.xcr0 = 0x202e7, .has_avx = true, .has_avx512 = true, .avx = true,
	 .avx512 = true, .others = 1 << 17},
	{.xcr0 = 0x402e7, .has_avx = true, .has_avx512 = true, .avx = true,
	 .avx512 = true, .others = 1 << 18},
	{.xcr0 = 0x80207, .has_avx = true, .avx = true, .apx = true},
	{.xcr0 = 0xe02e7, .has_avx = true, .has_avx512 = true, .avx = true,
	 .avx512 = true, .amx = true, .apx = true},
	/* Bounds, which nothing reads; and what comes yet. */
	{.xcr0 = 0x1f, .has_avx = true, .avx = true},
	{.xcr0 = 0x100007, .has_avx = true, .avx = true, .others = 1 << 20},
	{.xcr0 = 1ull << 62 | 0x7, .has_avx = true, .avx = true,
	 .others = 1ull << 62},
};
#define REGISTERS (int)(sizeof(registers) / sizeof(registers[0]))

START_TEST(test_registers)
{
	const struct registers *want = &registers[_i];
	struct mdi_cpu cpu = {.avx = true, .amx = true, .others = 77};
	char why[256] = "", bit[32];

	mdi_cpu_registers(&cpu, want->xcr0, want->has_avx, want->has_avx512);
	ck_assert_int_eq(cpu.avx, want->avx);
	ck_assert_int_eq(cpu.avx512, want->avx512);
	ck_assert_int_eq(cpu.amx, want->amx);
	ck_assert_int_eq(cpu.apx, want->apx);
	ck_assert_uint_eq(cpu.others, want->others);
	ck_assert_int_eq(mdi_cpu_wide(&cpu),
			 want->avx512 || want->amx || want->apx);
	ck_assert_int_eq(mdi_cpu_clears(&cpu, why, sizeof(why)),
			 want->others == 0);
	if (want->others == 0)
		return;
	snprintf(bit, sizeof(bit), "(bit %d of XCR0)",
		 __builtin_ctzll(want->others));
	ck_assert_ptr_nonnull(strstr(why, bit));
}
END_TEST

/* Of those that this machine's kernel knows by name. */
START_TEST(test_wide)
{
	const struct mdi_cpu *cpu = mdi_cpu();

	ck_assert_int_eq(cpu->amx, has("amx_tile"));
	ck_assert(!cpu->apx || has("apx"));
	ck_assert_uint_eq(cpu->others, 0);
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
	tcase_add_loop_test(tcase, test_registers, 0, REGISTERS);
	tcase_add_test(tcase, test_wide);
	tcase_add_test(tcase, test_pkru_offset);
	tcase_add_test(tcase, test_once);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
