/* SPDX-License-Identifier: MIT */
/* The seeds of the fuzzer, without the fuzzer. */
#include "support/seeds.h"
#include "support/test.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static unsigned used;

static void use(const char *name, const uint8_t *bytes, size_t length)
{
	ck_assert_msg(LLVMFuzzerTestOneInput(bytes, length) == 0, "%s", name);
	used++;
}

START_TEST(test_seeds)
{
	seeds_scan(use);
	ck_assert_uint_eq(used, 2);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("scan_fuzz");
	TCase *tcase = tcase_create("unit");

	tcase_add_test(tcase, test_seeds);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
