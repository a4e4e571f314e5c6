/* SPDX-License-Identifier: MIT */
/*
 * support/test.h - what every test program shares: one main() for Check
 * suites, the backend to test, and skips that can be forbidden.
 *
 *	int main(void)
 *	{
 *		return test_main(make_suite, TEST_ON_BACKEND);
 *	}
 *
 * The environment:
 *   MODISO_TEST_BACKEND  "mprotect" (default) or "pkey": what a contract
 *                        test runs on. Handed on as MODISO_BACKEND, so that
 *                        modiso_init(NULL) takes it.
 *   MODISO_TEST_REQUIRE  words, separated by spaces or commas, that must not
 *                        be missing here: "pkey", or a word that a test
 *                        gives to test_skip(). A skip for want of one is then
 *                        a failure. "all" forbids every skip.
 *   MODISO_TEST_LONG     in emulation as many rounds as natively, 100,000
 *                        faults and as many short threads among them; says
 *                        what was in use before and after, a million
 *                        preemptions.
 *   MODISO_TEST_OPERATIONS  how many operations contract_one_key does, and how
 *                        many programs contract_guard_fuzz runs.
 *   MODISO_TEST_SECONDS  how long contract_stress and contract_rtos go on.
 *   MODISO_TEST_PREEMPTIONS  how many contract_rtos does, without a clock: as
 *                        fast as they come.
 *   CK_RUN_CASE, CK_FORK ...  as Check has them. There is no time limit: see
 *                        support/patience.c.
 *
 * Results are TAP on standard output.
 */
#ifndef TESTS_SUPPORT_TEST_H
#define TESTS_SUPPORT_TEST_H

#include <check.h>
#include <stdio.h>

/*
 * Built with a sanitizer: its run-time library maps memory, and keeps what was
 * freed, as it likes, so that counting either says nothing.
 */
#ifndef __has_feature
#	define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#	define TEST_TSAN 1
#else
#	define TEST_TSAN 0
#endif
#if defined(__SANITIZE_ADDRESS__) || TEST_TSAN ||                              \
	__has_feature(address_sanitizer)
#	define TEST_SANITIZED 1
#else
#	define TEST_SANITIZED 0
#endif

/*
 * add_test_but_tsan - a case that ThreadSanitizer's run-time library cannot
 * stand, for the reason @why, which the log then says.
 */
#define add_test_but_tsan(tcase, test, why)                                    \
	add_loop_test_but_tsan((tcase), test, 0, 1, (why))
#define add_loop_test_but_tsan(tcase, test, first, end, why)                   \
	do {                                                                   \
		if (TEST_TSAN)                                                 \
			printf("# not run with ThreadSanitizer: %s: %s\n",     \
			       #test, (why));                                  \
		else                                                           \
			tcase_add_loop_test((tcase), test, (first), (end));    \
	} while (0)

enum test_needs {
	TEST_ANYWHERE = 0,    /* needs no backend: unit tests */
	TEST_ON_BACKEND = 1,  /* runs on the backend of MODISO_TEST_BACKEND */
	/* Protection keys, or nothing where MODISO_TEST_BACKEND is another. */
	TEST_ON_PKEY = 2,
	TEST_WITHOUT_PKEY = 3 /* what happens where there are none */
};

/*
 * test_main - run the suite that @make returns and print TAP.
 * @make:  called once, after the environment is set up.
 * @needs: what must be usable here; if it is not, the whole program is
 *         skipped, or fails where MODISO_TEST_REQUIRE says so.
 *
 * Returns the exit status of main(): 0 when nothing failed, else 1.
 */
int test_main(Suite *(*make)(void), enum test_needs needs);

/* The backend under test: "mprotect" or "pkey". */
const char *test_backend(void);

/* Why protection keys cannot be used here; NULL when they can. */
const char *test_pkey_missing(void);

/*
 * test_skip - end this test case as skipped: @what is missing here.
 * @what:   one word, compared with MODISO_TEST_REQUIRE.
 * @reason: a sentence for the log.
 *
 * To be called in the test's own process, outside of any gate. Does not
 * return. Without fork mode (CK_FORK=no) the case counts as passed.
 */
void test_skip(const char *what, const char *reason)
	__attribute__((noreturn));

/*
 * test_gets_on - a line in the log each minute, if @count is another one by
 * then: for tests that run so long that support/patience.c would give them up.
 * In one place of a test; also in a signal handler.
 */
void test_gets_on(unsigned long count);

#endif /* TESTS_SUPPORT_TEST_H */
