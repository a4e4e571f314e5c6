/* SPDX-License-Identifier: MIT */
/*
 * live_denied - a CPU that may have protection keys, and a filter that does
 * not let the program have any, as in a container.
 */
#include "support/nopku.h"
#include "support/test.h"

static Suite *make_suite(void)
{
	Suite *suite = suite_create("denied");

	suite_add_tcase(suite, nopku_cases(false));
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
