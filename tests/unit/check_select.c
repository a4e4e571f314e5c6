/* SPDX-License-Identifier: MIT */
/*
 * check_select - which backend it is to be: the option before the environment,
 * the environment before the order, and never one that lacks what is required.
 */
#include "support/test.h"

#include "backend/select.h"

#include <modiso.h>

#include <stdlib.h>
#include <string.h>

static const struct mdi_backend *chosen;

static int choose(uint32_t backend, uint32_t require)
{
	struct modiso_options options = {
		.struct_size = sizeof(options),
		.backend = backend,
		.require = require,
	};

	chosen = NULL;
	return mdi_select(&options, &chosen);
}

static void must_say(const char *words)
{
	if (!strstr(modiso_last_error_text(), words))
		ck_abort_msg("\"%s\" says nothing of %s",
			     modiso_last_error_text(), words);
}

static bool have_keys(void)
{
	return test_pkey_missing() == NULL;
}

static void setup(void)
{
	unsetenv("MODISO_BACKEND");
}

START_TEST(test_by_id)
{
	ck_assert_ptr_eq(mdi_select_by_id(MODISO_BACKEND_PKEY),
			 &mdi_backend_pkey);
	ck_assert_ptr_eq(mdi_select_by_id(MODISO_BACKEND_MPROTECT),
			 &mdi_backend_mprotect);
	ck_assert_ptr_null(mdi_select_by_id(MODISO_BACKEND_AUTO));
	ck_assert_ptr_null(mdi_select_by_id(77));
}
END_TEST

START_TEST(test_option)
{
	ck_assert_int_eq(choose(MODISO_BACKEND_MPROTECT, 0), 0);
	ck_assert_ptr_eq(chosen, &mdi_backend_mprotect);
	/* The environment does not overrule it, not even with nonsense. */
	setenv("MODISO_BACKEND", "pkey", 1);
	ck_assert_int_eq(choose(MODISO_BACKEND_MPROTECT, 0), 0);
	ck_assert_ptr_eq(chosen, &mdi_backend_mprotect);
	setenv("MODISO_BACKEND", "nonsense", 1);
	ck_assert_int_eq(choose(MODISO_BACKEND_MPROTECT, 0), 0);
	ck_assert_int_eq(choose(77, 0), MODISO_ERR_INVAL);
	must_say("options.backend is 77");
	ck_assert_ptr_null(chosen);
}
END_TEST

START_TEST(test_environment)
{
	static const char *const nonsense[] = {"PKEY", "pke", "pkeys",
					       " mprotect", "mprotect,pkey"};
	size_t i;

	setenv("MODISO_BACKEND", "mprotect", 1);
	ck_assert_int_eq(choose(MODISO_BACKEND_AUTO, 0), 0);
	ck_assert_ptr_eq(chosen, &mdi_backend_mprotect);
	for (i = 0; i < sizeof(nonsense) / sizeof(*nonsense); i++) {
		setenv("MODISO_BACKEND", nonsense[i], 1);
		ck_assert_int_eq(choose(MODISO_BACKEND_AUTO, 0),
				 MODISO_ERR_INVAL);
		must_say(nonsense[i]);
		ck_assert_ptr_null(chosen);
	}
}
END_TEST

/* Empty and "auto" are the same as nothing. */
START_TEST(test_automatic)
{
	static const char *const names[] = {NULL, "", "auto"};

	if (names[_i])
		setenv("MODISO_BACKEND", names[_i], 1);
	if (have_keys()) {
		ck_assert_int_eq(choose(MODISO_BACKEND_AUTO, 0), 0);
		ck_assert_ptr_eq(chosen, &mdi_backend_pkey);
	} else if (MDI_MPROTECT_FALLBACK) {
		ck_assert_int_eq(choose(MODISO_BACKEND_AUTO, 0), 0);
		ck_assert_ptr_eq(chosen, &mdi_backend_mprotect);
	} else {
		ck_assert_int_eq(choose(MODISO_BACKEND_AUTO, 0),
				 MODISO_ERR_NOTSUP);
		ck_assert_ptr_null(chosen);
	}
}
END_TEST

/* A named backend never gives way to another one. */
START_TEST(test_named)
{
	setenv("MODISO_BACKEND", "pkey", 1);
	if (have_keys()) {
		ck_assert_int_eq(choose(MODISO_BACKEND_AUTO, 0), 0);
		ck_assert_ptr_eq(chosen, &mdi_backend_pkey);
		return;
	}
	ck_assert_int_ne(choose(MODISO_BACKEND_AUTO, 0), 0);
	must_say("backend pkey cannot be had: ");
	ck_assert_int_ne(choose(MODISO_BACKEND_PKEY, 0), 0);
	must_say(test_pkey_missing());
	ck_assert_ptr_null(chosen);
}
END_TEST

START_TEST(test_require)
{
	static const uint32_t lacks[] = {MODISO_CAP_READONLY, MODISO_CAP_SEALED,
					 MODISO_CAP_PER_THREAD,
					 MODISO_CAP_PARALLEL};
	size_t i;

	ck_assert_int_eq(choose(MODISO_BACKEND_MPROTECT, MODISO_CAP_GUARD), 0);
	for (i = 0; i < sizeof(lacks) / sizeof(*lacks); i++) {
		ck_assert_int_eq(choose(MODISO_BACKEND_MPROTECT,
					MODISO_CAP_GUARD | lacks[i]),
				 MODISO_ERR_NOTSUP);
		must_say("backend mprotect has capabilities");
		ck_assert_ptr_null(chosen);
	}
	ck_assert_int_eq(choose(MODISO_BACKEND_MPROTECT, 1u << 31),
			 MODISO_ERR_INVAL);
	must_say("0x80000000");
}
END_TEST

/* Alone the weaker one would do; with what is required of it, it does not. */
START_TEST(test_automatic_require)
{
	int result = choose(MODISO_BACKEND_AUTO, MODISO_CAP_PER_THREAD);

	if (have_keys()) {
		ck_assert_int_eq(result, 0);
		ck_assert_ptr_eq(chosen, &mdi_backend_pkey);
	} else {
		ck_assert_int_eq(result, MODISO_ERR_NOTSUP);
		ck_assert_ptr_null(chosen);
	}
	/* And the stronger one not, where only the weaker one has it. */
	if (!MDI_MPROTECT_FALLBACK)
		return;
	ck_assert_int_eq(choose(MODISO_BACKEND_AUTO, MODISO_CAP_UNLIMITED), 0);
	if (!have_keys())
		ck_assert_ptr_eq(chosen, &mdi_backend_mprotect);
}
END_TEST

START_TEST(test_probe)
{
	struct modiso_backend_info info;

	memset(&info, 0xff, sizeof(info));
	ck_assert_int_eq(mdi_select_probe(&mdi_backend_mprotect, &info), 0);
	ck_assert_uint_eq(info.struct_size, sizeof(info));
	ck_assert_uint_eq(info.backend, MODISO_BACKEND_MPROTECT);
	ck_assert_str_eq(info.name, "mprotect");
	ck_assert_uint_eq(info.usable, 1);
	ck_assert_uint_eq(info.keys_total, 0);
	memset(&info, 0xff, sizeof(info));
	ck_assert((mdi_select_probe(&mdi_backend_pkey, &info) == 0) ==
		  (info.usable == 1));
	ck_assert_str_eq(info.name, "pkey");
	ck_assert_uint_gt(strlen(info.reason) + info.usable, 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("select");
	TCase *tcase = tcase_create("unit");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, test_by_id);
	tcase_add_test(tcase, test_option);
	tcase_add_test(tcase, test_environment);
	tcase_add_loop_test(tcase, test_automatic, 0, 3);
	tcase_add_test(tcase, test_named);
	tcase_add_test(tcase, test_require);
	tcase_add_test(tcase, test_automatic_require);
	tcase_add_test(tcase, test_probe);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
