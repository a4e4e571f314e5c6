/* SPDX-License-Identifier: MIT */
/*
 * check_vault - the library's own memory: zeroed, of one size for ever, never
 * unmapped while it may be read.
 */
#include "support/fake.h"
#include "support/proc.h"
#include "support/test.h"

#include "core/vault.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define OBJECTS 512
#define ROUNDS  20000
#define LARGE   ((size_t)200 * 1024)

static bool mapped(const void *address)
{
	struct proc_mapping mapping;

	return proc_mapping(address, &mapping);
}

static void setup(void)
{
	fake_start();
}

START_TEST(test_zeroed)
{
	size_t size;
	char *object;
	int i;

	for (size = 1; size <= LARGE; size = size * 3 + 1) {
		for (i = 0; i < 3; i++) {
			object = mdi_vault_alloc(size);
			ck_assert_ptr_nonnull(object);
			ck_assert(all_bytes(object, 0, size));
			memset(object, 0xa5, size);
			mdi_vault_free(object, size);
		}
	}
}
END_TEST

/* Random sizes at once: none has a byte of another one. */
START_TEST(test_apart)
{
	static struct {
		unsigned char *base;
		size_t size;
	} object[OBJECTS];
	size_t i, n;

	srand(1);
	for (n = 0; n < ROUNDS; n++) {
		i = (size_t)rand() % OBJECTS;
		if (object[i].base) {
			ck_assert(all_bytes(object[i].base, (unsigned char)i,
					    object[i].size));
			mdi_vault_free(object[i].base, object[i].size);
			object[i].base = NULL;
			continue;
		}
		object[i].size = 1 + (size_t)rand() % 2000;
		object[i].base = mdi_vault_alloc(object[i].size);
		ck_assert_ptr_nonnull(object[i].base);
		ck_assert_uint_eq((uintptr_t)object[i].base % 64, 0);
		memset(object[i].base, (int)i, object[i].size);
	}
}
END_TEST

/* What held 64 bytes holds 64 bytes again, and nothing else does. */
START_TEST(test_one_size)
{
	char *small = mdi_vault_alloc(64), *other;
	int i;

	mdi_vault_free(small, 64);
	for (i = 0; i < 100; i++) {
		other = mdi_vault_alloc(128);
		ck_assert(other + 128 <= small || small + 64 <= other);
	}
	ck_assert(mapped(small));
	ck_assert_ptr_eq(mdi_vault_alloc(33), small);
}
END_TEST

START_TEST(test_large)
{
	char *before = mdi_vault_alloc(LARGE), *large = mdi_vault_alloc(LARGE);
	char *after = mdi_vault_alloc(LARGE);

	memset(large, 1, LARGE);
	ck_assert(mdi_vault_overlaps((uintptr_t)large + LARGE - 1,
				     (uintptr_t)large + LARGE));
	mdi_vault_free(large, LARGE);
	/* A handler that still reads there reads zeros. */
	ck_assert(mdi_vault_overlaps((uintptr_t)large,
				     (uintptr_t)large + LARGE));
	ck_assert(all_bytes(large, 0, LARGE));
	/* It is used again by what needs more than half of it. */
	ck_assert_ptr_ne(mdi_vault_alloc(LARGE / 3), large);
	ck_assert_ptr_ne(mdi_vault_alloc(LARGE * 2), large);
	ck_assert_ptr_eq(mdi_vault_alloc(LARGE - 5000), large);
	ck_assert(all_bytes(large, 0, LARGE));
	memset(before, 1, LARGE);
	memset(after, 1, LARGE);
	mdi_vault_free(after, LARGE);
	mdi_vault_free(before, LARGE);
}
END_TEST

START_TEST(test_overlaps)
{
	uintptr_t object = (uintptr_t)mdi_vault_alloc(100);
	uintptr_t page = object & ~(uintptr_t)4095;
	int mine;

	ck_assert(mdi_vault_overlaps(object, object + 1));
	ck_assert(mdi_vault_overlaps(page - 4096, page + 1));
	ck_assert(mdi_vault_overlaps(0, UINTPTR_MAX));
	ck_assert(!mdi_vault_overlaps(page - 4096, page));
	ck_assert(!mdi_vault_overlaps((uintptr_t)&mine, (uintptr_t)&mine + 1));
	mdi_vault_stop();
	ck_assert(!mdi_vault_overlaps(object, object + 1));
	ck_assert(!mapped((void *)object));
}
END_TEST

/* A chunk that cannot be closed to modules is not used, and not kept. */
START_TEST(test_cannot_protect)
{
	struct proc_usage before;

	mdi_vault_stop();
	before = proc_usage();
	fake_patience = 0;
	ck_assert_ptr_null(mdi_vault_alloc(64));
	ck_assert_ptr_null(mdi_vault_alloc(LARGE));
	proc_must_not_grow(&before, 0, 1024);
	fake_patience = 1;
	ck_assert_ptr_nonnull(mdi_vault_alloc(64));
}
END_TEST

START_TEST(test_too_large)
{
	ck_assert_ptr_null(mdi_vault_alloc(SIZE_MAX));
	ck_assert_ptr_null(mdi_vault_alloc(SIZE_MAX - 10));
	ck_assert_ptr_null(mdi_vault_alloc(SIZE_MAX - 4100));
}
END_TEST

START_TEST(test_free_null)
{
	void *first;

	mdi_vault_free(NULL, 64);
	mdi_vault_free(NULL, LARGE);
	first = mdi_vault_alloc(64);
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_ne(mdi_vault_alloc(64), first);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("vault");
	TCase *tcase = tcase_create("unit");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, test_zeroed);
	tcase_add_test(tcase, test_apart);
	tcase_add_test(tcase, test_one_size);
	tcase_add_test(tcase, test_large);
	tcase_add_test(tcase, test_overlaps);
	tcase_add_test(tcase, test_cannot_protect);
	tcase_add_test(tcase, test_too_large);
	tcase_add_test(tcase, test_free_null);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
