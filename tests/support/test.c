/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <modiso.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *test_backend(void)
{
	const char *name = getenv("MODISO_TEST_BACKEND");

	return name && *name ? name : "mprotect";
}

const char *test_pkey_missing(void)
{
	static struct modiso_backend_info info;

	memset(&info, 0, sizeof(info));
	info.struct_size = sizeof(info);
	if (modiso_backend_query(MODISO_BACKEND_PKEY, &info) != MODISO_OK)
		return "modiso_backend_query() failed";
	return info.usable ? NULL : info.reason;
}

/* Is @what one of the words of MODISO_TEST_REQUIRE? */
static bool required(const char *what)
{
	const char *list = getenv("MODISO_TEST_REQUIRE");
	size_t length;

	for (; list && *list; list += length + strspn(list + length, " ,")) {
		length = strcspn(list, " ,");
		if (length == 3 && !strncmp(list, "all", 3))
			return true;
		if (length == strlen(what) && !strncmp(list, what, length))
			return true;
	}
	return false;
}

void test_skip(const char *what, const char *reason)
{
	char line[512];
	int length;

	if (required(what))
		ck_abort_msg("%s is required here, and missing: %s", what,
			     reason);
	/* run-test.sh turns the next "ok" into a skip when it sees this. */
	length = snprintf(line, sizeof(line), "# skip-next %s: %s\n", what,
			  reason);
	if (length > (int)sizeof(line) - 1)
		length = (int)sizeof(line) - 1;
	if (write(STDOUT_FILENO, line, (size_t)length) != length)
		ck_abort_msg("cannot write to standard output");
	_exit(EXIT_SUCCESS);
}

/* Nothing of this program can run here: a skip or, forbidden, a failure. */
static int skip_all(const char *what, const char *reason)
{
	if (!required(what)) {
		printf("1..0 # SKIP %s: %s\n", what, reason);
		return EXIT_SUCCESS;
	}
	printf("1..1\nnot ok 1 - %s is required here, and missing: %s\n", what,
	       reason);
	return EXIT_FAILURE;
}

void test_gets_on(unsigned long count)
{
	static unsigned long before;
	static time_t said;
	time_t now = time(NULL);

	if (said != 0 && (count == before || now - said < 60))
		return;
	if (said != 0)
		dprintf(STDOUT_FILENO, "# got to %lu\n", count);
	said = now;
	before = count;
}

/* TAP from Check names the case; this adds the place. */
static void print_places(SRunner *runner)
{
	TestResult **failures = srunner_failures(runner);
	int i;

	for (i = 0; i < srunner_ntests_failed(runner); i++)
		printf("# failed at %s:%d: %s\n", tr_lfile(failures[i]),
		       tr_lno(failures[i]), tr_msg(failures[i]));
	free(failures);
}

int test_main(Suite *(*make)(void), enum test_needs needs)
{
	const char *backend = test_backend();
	const char *missing;
	SRunner *runner;
	int failed;

	/*
	 * Line by line: a forked test then never holds a copy of lines that
	 * its parent has yet to write.
	 */
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* A hang is found by support/patience.c, not by a clock. */
	setenv("CK_TIMEOUT_MULTIPLIER", "0", 1);
	if (strcmp(backend, "pkey") && strcmp(backend, "mprotect")) {
		printf("Bail out! MODISO_TEST_BACKEND=%s is no backend\n",
		       backend);
		return EXIT_FAILURE;
	}
	if (needs == TEST_ON_PKEY) {
		if (getenv("MODISO_TEST_BACKEND") && strcmp(backend, "pkey")) {
			printf("1..0 # SKIP pkey: MODISO_TEST_BACKEND is "
			       "mprotect\n");
			return EXIT_SUCCESS;
		}
		backend = "pkey";
	}
	if (needs == TEST_WITHOUT_PKEY) {
		if (!test_pkey_missing())
			return skip_all("no-pkey",
					"protection keys are usable here");
	} else if (needs != TEST_ANYWHERE) {
		setenv("MODISO_TEST_BACKEND", backend, 1);
		setenv("MODISO_BACKEND", backend, 1);
		missing = strcmp(backend, "pkey") ? NULL : test_pkey_missing();
		if (missing)
			return skip_all("pkey", missing);
	}
	runner = srunner_create(make());
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	print_places(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
