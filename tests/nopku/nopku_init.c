/* SPDX-License-Identifier: MIT */
/*
 * nopku_init - a machine without protection keys: a CPU that lacks them, or a
 * kernel that was started with nopku.
 */
#include "support/nopku.h"
#include "support/test.h"

static Suite *make_suite(void)
{
	Suite *suite = suite_create("nopku");

	suite_add_tcase(suite, nopku_cases(true));
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
