/* SPDX-License-Identifier: MIT */
/* What the fuzzer of the scanner found, and what it began with. */
#include "support/replay.h"
#include "support/test.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

START_TEST(test_corpus)
{
	replay_corpus("scan", LLVMFuzzerTestOneInput);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("scan_fuzz");
	TCase *tcase = tcase_create("replay");

	tcase_add_test(tcase, test_corpus);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
