/* SPDX-License-Identifier: MIT */
/*
 * contract_hpp - <modiso.hpp> as a program in C++ uses it: values and errors,
 * what ends when, types of gates and services, memory. What must not compile is
 * in build/modiso-hpp.sh.
 */
#include "contract/hpp_scene.h"
#include "support/test.h"

#include <unistd.h>

static const struct {
	const char *name;
	const char *(*run)(void);
} scenes[] = {
	{ "words", hpp_words },
	{ "numbers", hpp_numbers },
	{ "errors", hpp_errors },
	{ "exceptions", hpp_exceptions },
	{ "lives", hpp_lives },
	{ "memory", hpp_memory },
	{ "grants", hpp_grants },
	{ "mail", hpp_mail },
	{ "services", hpp_services },
	{ "pointers", hpp_pointers },
	{ "options", hpp_options },
};

START_TEST(test_scene)
{
	const char *wrong = scenes[_i].run();

	if (wrong != NULL)
		ck_abort_msg("%s: %s", scenes[_i].name, wrong);
}
END_TEST

START_TEST(test_image)
{
	const char *path = "modules/count-gcc.so", *wrong;

	if (access(path, R_OK))
		test_skip("module", "modules/count-gcc.so is not there");
	wrong = hpp_image(path);
	if (wrong != NULL)
		ck_abort_msg("%s", wrong);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("contract_hpp");
	TCase *tcase = tcase_create("hpp");

	tcase_add_loop_test(tcase, test_scene, 0,
			    sizeof(scenes) / sizeof(scenes[0]));
	tcase_add_test(tcase, test_image);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
