/* SPDX-License-Identifier: MIT */
/*
 * check_free - malloc() and free() of a module's C library keep small blocks
 * for who wants as much, and find out what is freed twice or has no end.
 */
#include "support/proc.h"
#include "support/test.h"
#include "support/world.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

void *module_malloc(size_t size);
void module_free(void *block);

#define malloc module_malloc
#define free   module_free
#include "../../runtime/libc/free.c"
#undef malloc
#undef free

/* Below it: chunks one behind the other, each size at both ends. */
static _Alignas(16) unsigned char memory[1 << 16];
static size_t used, given, limit = sizeof(memory);

void *__libc_malloc_impl(size_t size)
{
	const size_t length = (size + HEAD + UNIT - 1) / UNIT * UNIT;
	unsigned char *at = memory + used;
	const size_t word = length | 1;

	if (used + length + HEAD > limit)
		return NULL;
	memcpy(at + sizeof(word), &word, sizeof(word));
	memcpy(at + length, &word, sizeof(word));
	used += length;
	return at + HEAD;
}

void __libc_free(void *block)
{
	must(block != NULL);
	given++;
	limit = sizeof(memory);
}

START_TEST(test_again)
{
	void *block, *other;

	for (size_t size = 0; size <= 1008 - UNIT; size++) {
		block = module_malloc(size);
		must(block != NULL);
		memset(block, 0xa5, size);
		module_free(block);
		/* Of another size it is not taken. */
		other = module_malloc(size + UNIT);
		must(other != block);
		must(module_malloc(size) == block);
		module_free(block);
		module_free(other);
		used = 0;
		memset(kept, 0, sizeof(kept));
	}
	must_eq(given, 0);
	module_free(NULL);
	/* Large ones are none of its. */
	module_free(module_malloc(1009));
	must_eq(given, 1);
}
END_TEST

START_TEST(test_many)
{
	void *blocks[MOST + 5];

	for (size_t i = 0; i < MOST + 5; i++)
		blocks[i] = module_malloc(100);
	for (size_t i = 0; i < MOST + 5; i++)
		module_free(blocks[i]);
	must_eq(given, 5);
	/* The last one first. */
	must(module_malloc(100) == blocks[MOST - 1]);
	/* Where nothing is left, those that wait go back. */
	limit = used;
	must(module_malloc(500) != NULL);
	must_eq(given, 5 + MOST - 1);
	limit = used;
	must(module_malloc(500) == NULL);
}
END_TEST

static void twice(void *arg)
{
	void *block = module_malloc(20), *other = module_malloc(20);

	(void)arg;
	module_free(block);
	module_free(other);
	module_free(block);
}

static void beyond(void *arg)
{
	char *block = module_malloc(16);

	(void)arg;
	block[16] = 'x';
	module_free(block);
}

START_TEST(test_found)
{
	int status = child_status(twice, NULL);

	must_die(status, SIGILL);
	status = child_status(beyond, NULL);
	must_die(status, SIGILL);
}
END_TEST

/* What a block has in it may look like the mark of one that waits. */
START_TEST(test_mark)
{
	struct waiting *block = module_malloc(16);

	*block = (struct waiting){NULL, MARK};
	module_free(block);
	must(module_malloc(16) == block);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("free");
	TCase *tcase = tcase_create("unit");

	tcase_add_test(tcase, test_again);
	tcase_add_test(tcase, test_many);
	tcase_add_test(tcase, test_mark);
	tcase_add_test(tcase, test_found);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
