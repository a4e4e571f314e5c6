/* SPDX-License-Identifier: MIT */
/*
 * contract_libc - which functions of the C library module code may call, at
 * which confinement: the table of modiso-safety(7). With protection keys
 * READONLY and SEALED are of all that is in no region, the C library's own data
 * and the thread's errno among it.
 */
#include "contract/confined.h"
#include "support/world.h"

#include <ctype.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * Each is handed a page of the module's, and returns 1. What it works on lies
 * there or on its stack; a constant of the program's may be read.
 */
#define USE(name) MODULE_CODE static uintptr_t name(char *page)

USE(copy)
{
	memset(page, 'a', 100);
	memcpy(page + 100, page, 100);
	memmove(page + 150, page + 100, 100);
	return memcmp(page, page + 150, 100) == 0;
}
USE(strings)
{
	char *rest, *word;

	strcpy(page, "one two");
	strcat(page, " three");
	word = strtok_r(page, " ", &rest);
	return strlen(word) == 3 && strstr(rest, "three") != NULL &&
	       strchr(rest, 't') == rest && strncmp(word, "one", 3) == 0;
}
USE(characters)
{
	*page = (char)toupper('x');
	return *page == 'X' && isalpha('x') && !isdigit('x');
}
USE(numbers)
{
	strcpy(page, "42 2.5");
	return strtol(page, NULL, 10) == 42 && atoi(page) == 42 &&
	       strtod(page + 3, NULL) > 2;
}
USE(print)
{
	snprintf(page, 100, "%d %s %5.2f", 7, "text", 1.5);
	return strcmp(page, "7 text  1.50") == 0;
}
USE(mathematics)
{
	volatile double *one = (volatile double *)(void *)page;

	*one = 1;
	return sqrt(*one) + pow(*one, 2) + floor(*one) + sin(*one - 1) < 3.5;
}

static int by_value(const void *a, const void *b)
{
	return *(const unsigned char *)a - *(const unsigned char *)b;
}

USE(sort)
{
	strcpy(page, "edcba");
	qsort(page, 5, 1, by_value);
	return strcmp(page, "abcde") == 0 &&
	       bsearch("c", page, 5, 1, by_value) == page + 2;
}
USE(environment)
{
	*page = 0;
	return getenv("PATH") != NULL || *page == 0;
}
USE(clock_read)
{
	struct timespec *now = (struct timespec *)(void *)page;

	return clock_gettime(CLOCK_MONOTONIC, now) == 0;
}
USE(calls)
{
	return getpid() > 0 && lseek(0, 0, SEEK_CUR) > -2 && page != NULL;
}
USE(mutex)
{
	pthread_mutex_t *own = (pthread_mutex_t *)(void *)page;

	memset(page, 0, sizeof(*own));
	return pthread_mutex_lock(own) == 0 && pthread_mutex_unlock(own) == 0;
}
USE(random_own)
{
	return rand_r((unsigned *)(void *)page) >= 0;
}

/* What writes to memory of a library's, or of the thread's. */
USE(jump)
{
	jmp_buf *to = (jmp_buf *)(void *)page;

	if (setjmp(*to) == 0)
		longjmp(*to, 1);
	return 1;
}
USE(allocate)
{
	char *volatile block = malloc(100);

	*page = block != NULL;
	free(block);
	return (uintptr_t)*page;
}
USE(errno_written)
{
	errno = ERANGE;
	return page != NULL;
}
USE(overflow)
{
	strcpy(page, "99999999999999999999999");
	return strtol(page, NULL, 10) > 0;
}
USE(failing_call)
{
	return close(-1) == -1 && page != NULL;
}
static FILE *nowhere; /* what is printed there is in nobody's way */
USE(stream)
{
	*page = 'x';
	return putc(*page, nowhere) != EOF;
}
USE(random_shared)
{
	return rand() >= 0 && page != NULL;
}
USE(token)
{
	strcpy(page, "a b");
	return strtok(page, " ") == page;
}
USE(calendar)
{
	time_t zero = 0;

	return gmtime_r(&zero, (struct tm *)(void *)page) != NULL;
}
USE(throw_away)
{
	(void)strerror(12345 + (page == NULL));
	return 1;
}

static const struct {
	const char *name;
	uintptr_t (*use)(char *);
	bool readonly; /* works there */
} uses[] = {
	{ "memcpy and its like", copy, true },
	{ "strlen and its like", strings, true },
	{ "toupper", characters, true },
	{ "strtol, strtod", numbers, true },
	{ "snprintf", print, true },
	{ "sqrt and its like", mathematics, true },
	{ "qsort, bsearch", sort, true },
	{ "getenv", environment, true },
	{ "clock_gettime", clock_read, true },
	{ "getpid", calls, true },
	{ "pthread_mutex_lock", mutex, true },
	{ "rand_r", random_own, true },
	{ "setjmp, longjmp", jump, false },
	{ "malloc", allocate, false },
	{ "errno", errno_written, false },
	{ "strtol, out of range", overflow, false },
	{ "close(-1)", failing_call, false },
	{ "putc", stream, false },
	{ "rand", random_shared, false },
	{ "strtok", token, false },
	{ "gmtime_r", calendar, false },
	{ "strerror", throw_away, false },
};

/* Host code first: what binds at the first call writes to the program. */
static void check_level(uint32_t wanted, char *page)
{
	uintptr_t word = (uintptr_t)page, result = 0;
	bool works;

	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		const char *name = uses[i].name;

		must_eq(uses[i].use(page), 1);
		works = modiso_gate_call(make_gate(module, uses[i].use), &word,
					 1, &result) == 0;
		if (works && result != 1)
			ck_abort_msg("%s: another result", name);
		if (works != (wanted == MODISO_CONFINE_GUARD ||
			      (wanted == MODISO_CONFINE_READONLY &&
			       uses[i].readonly)))
			ck_abort_msg("level %u: %s %s", wanted, name,
				     works ? "works" : "faults");
	}
}

START_TEST(test_libc)
{
	uint32_t wanted = (uint32_t)_i;

	nowhere = fopen("/dev/null", "w");
	must(nowhere != NULL);
	make_scene_at(wanted);
	check_level(wanted, (char *)region_bytes(data));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("contract_libc");
	TCase *tcase = tcase_create("libc");

	/* The C library's data is closed by keys alone. */
	tcase_add_loop_test(tcase, test_libc, MODISO_CONFINE_GUARD,
			    on_pkey() ? MODISO_CONFINE_SEALED + 1 :
					MODISO_CONFINE_GUARD + 1);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
