/* SPDX-License-Identifier: MIT */
/*
 * check_error - every code has a name and a sentence; the last sentence is the
 * thread's own, made late where time counts, and errno stays what it was.
 */
#include "support/proc.h"
#include "support/test.h"

#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CODES 15

static unsigned made;

static const char *make(char *text, size_t size)
{
	made++;
	snprintf(text, size, "made late");
	return text;
}

START_TEST(test_names)
{
	const char *name;
	int code, other;

	for (code = 0; code > -CODES; code--) {
		name = modiso_error_name(code);
		ck_assert(!strncmp(name, "MODISO_", 7));
		ck_assert(!strchr(name, '?'));
		ck_assert_uint_ge(strlen(modiso_strerror(code)), 4);
		for (other = 0; other > code; other--)
			ck_assert_str_ne(name, modiso_error_name(other));
	}
	ck_assert_str_eq(modiso_error_name(MODISO_OK), "MODISO_OK");
	ck_assert_str_eq(modiso_error_name(MODISO_ERR_FAULT),
			 "MODISO_ERR_FAULT");
	ck_assert_str_eq(modiso_error_name(MODISO_ERR_NOKEY),
			 "MODISO_ERR_NOKEY");
}
END_TEST

START_TEST(test_no_code)
{
	static const int codes[] = {1, -CODES, -1000, 1 << 30, -2147483647 - 1};
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		ck_assert_str_eq(modiso_error_name(codes[i]), "MODISO_ERR_?");
		ck_assert_str_eq(modiso_strerror(codes[i]),
				 "not a code of libmodiso");
	}
}
END_TEST

/* As a file calls itself. */
START_TEST(test_plain)
{
	mdi_fail(MODISO_ERR_FORMAT, "image %s", "\xc3\xa9\x1b[2J\n\xc2\x9b\xff.");
	ck_assert_str_eq(modiso_last_error_text(),
			 "image \xc3\xa9?[2J????.");
}
END_TEST

START_TEST(test_fail)
{
	errno = EPIPE;
	ck_assert_int_eq(mdi_fail(MODISO_ERR_BUSY, "%s %d", "five", 5),
			 MODISO_ERR_BUSY);
	ck_assert_int_eq(errno, EPIPE);
	ck_assert_str_eq(modiso_last_error_text(), "five 5");
	/* Asking does not use it up. */
	ck_assert_str_eq(modiso_last_error_text(), "five 5");
}
END_TEST

/* As much as there is room for, and no more. */
START_TEST(test_long)
{
	static char words[2000];

	memset(words, 'a', sizeof(words) - 1);
	mdi_fail(MODISO_ERR_INVAL, "%s", words);
	ck_assert_uint_ge(strlen(modiso_last_error_text()), 300);
	ck_assert_uint_lt(strlen(modiso_last_error_text()), 512);
	ck_assert_uint_eq(strspn(modiso_last_error_text(), "a"),
			  strlen(modiso_last_error_text()));
}
END_TEST

START_TEST(test_os)
{
	static const struct {
		int error;
		const char *hint;
	} hints[] = {
		{ENOMEM, "max_map_count"},
		{EMFILE, "RLIMIT_NOFILE"},
		{EPERM, "seccomp"},
		{EIO, "error"},
		{ENOSYS, "seccomp hides it"},
	};
	const char *text;
	size_t i;

	for (i = 0; i < sizeof(hints) / sizeof(*hints); i++) {
		errno = hints[i].error;
		ck_assert_int_eq(mdi_fail_os("mmap", "%d bytes", 7),
				 MODISO_ERR_OS);
		ck_assert_int_eq(errno, hints[i].error);
		text = modiso_last_error_text();
		ck_assert_ptr_eq(strstr(text, "mmap for 7 bytes: "), text);
		ck_assert_ptr_nonnull(strstr(text, strerror(hints[i].error)));
		ck_assert_ptr_nonnull(strstr(text, hints[i].hint));
	}
}
END_TEST

START_TEST(test_later)
{
	mdi_error_later(make);
	ck_assert_int_eq(mdi_fail_later(MODISO_ERR_FAULT), MODISO_ERR_FAULT);
	ck_assert_uint_eq(made, 0);
	ck_assert_str_eq(modiso_last_error_text(), "made late");
	ck_assert_str_eq(modiso_last_error_text(), "made late");
	ck_assert_uint_eq(made, 1);
	/* The newest one counts, whichever way it came. */
	mdi_fail_later(MODISO_ERR_FAULT);
	mdi_fail(MODISO_ERR_INVAL, "made now");
	ck_assert_str_eq(modiso_last_error_text(), "made now");
	mdi_fail_later(MODISO_ERR_FAULT);
	ck_assert_str_eq(modiso_last_error_text(), "made late");
	ck_assert_uint_eq(made, 2);
}
END_TEST

static void *another(void *arg)
{
	(void)arg;
	ck_assert_str_eq(modiso_last_error_text(), "");
	mdi_fail(MODISO_ERR_INVAL, "theirs");
	return NULL;
}

START_TEST(test_threads)
{
	mdi_fail(MODISO_ERR_INVAL, "mine");
	thread_join(thread_start(another, NULL));
	ck_assert_str_eq(modiso_last_error_text(), "mine");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("error");
	TCase *tcase = tcase_create("unit");

	tcase_add_test(tcase, test_names);
	tcase_add_test(tcase, test_no_code);
	tcase_add_test(tcase, test_plain);
	tcase_add_test(tcase, test_fail);
	tcase_add_test(tcase, test_long);
	tcase_add_test(tcase, test_os);
	tcase_add_test(tcase, test_later);
	tcase_add_test(tcase, test_threads);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
