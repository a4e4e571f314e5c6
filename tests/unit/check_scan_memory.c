/* SPDX-License-Identifier: MIT */
/*
 * check_scan_memory - memory that is scanned, in one mapping and in two, pieces
 * of a stream, and arguments that are refused.
 */
#include "unit/scan_found.h"
#include "support/world.h"
#include "support/scan_samples.h"
#include "support/test.h"
#include "code/scan.h"

#include <modiso.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Split over two pages, and over two mappings of different kinds. */
static void check_two_mappings(const struct sample *sample)
{
	int file = memfd_create("code", MFD_CLOEXEC);
	char *base = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(ftruncate(file, 2 * PAGE), 0);
	ck_assert_ptr_ne(base, MAP_FAILED);
	ck_assert_ptr_ne(mmap(base + 2 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_FIXED, file, 0),
			 MAP_FAILED);
	for (size_t edge = PAGE; edge < 4 * PAGE; edge += PAGE)
		for (size_t cut = 0; cut <= sample->length; cut++) {
			memset(base, 0, 4 * PAGE);
			memcpy(base + edge - cut, sample->bytes,
			       sample->length);
			ck_assert_int_eq(modiso_scan_memory(base, 4 * PAGE,
							    sample->kind, NULL,
							    NULL),
					 MODISO_ERR_GADGET);
		}
	/* What executes may be all that is allowed. */
	if (test_pkey_missing() != NULL) {
		ck_assert_int_eq(mprotect(base, 4 * PAGE, PROT_EXEC), 0);
		ck_assert_int_eq(modiso_scan_memory(base, 4 * PAGE,
						    sample->kind, NULL, NULL),
				 MODISO_ERR_GADGET);
	}
	munmap(base, 4 * PAGE);
	close(file);
}

START_TEST(test_two_mappings)
{
	for (int i = 0; i < SAMPLES; i++)
		check_two_mappings(&samples[i]);
}
END_TEST

static int count_hits(const struct modiso_scan_hit *hit, void *arg)
{
	int *left = arg;

	ck_assert_uint_eq(hit->struct_size, sizeof(*hit));
	ck_assert_ptr_null(hit->file);
	ck_assert_ptr_null(hit->section);
	ck_assert_ptr_null(hit->symbol);
	return --*left == 0;
}

START_TEST(test_memory)
{
	static const uint8_t code[] = {0x0f, 0x05, 0x90, 0xcd,
				       0x80, 0x0f, 0x05, 0x90};
	int left = 100;

	errno = 42;
	ck_assert_int_eq(modiso_scan_memory(code, sizeof(code), MODISO_SCAN_ALL,
					    count_hits, &left),
			 MODISO_ERR_GADGET);
	ck_assert_int_eq(left, 97);
	ck_assert_ptr_nonnull(strstr(modiso_last_error_text(), "syscall"));
	left = 2;
	ck_assert_int_eq(modiso_scan_memory(code, sizeof(code), MODISO_SCAN_ALL,
					    count_hits, &left),
			 MODISO_ERR_GADGET);
	ck_assert_int_eq(left, 0);
	ck_assert_int_eq(modiso_scan_memory(code, sizeof(code),
					    MODISO_SCAN_PKRU, NULL, NULL),
			 MODISO_OK);
	ck_assert_int_eq(
		modiso_scan_memory(NULL, 0, MODISO_SCAN_ALL, NULL, NULL),
		MODISO_OK);
	ck_assert_int_eq(errno, 42);
}
END_TEST

START_TEST(test_wrong_arguments)
{
	static const uint8_t code[] = {0x90};

	ck_assert_int_eq(modiso_scan_memory(code, 1, 0, NULL, NULL),
			 MODISO_ERR_INVAL);
	ck_assert_int_eq(
		modiso_scan_memory(code, 1, MODISO_SCAN_ALL + 1u, NULL, NULL),
		MODISO_ERR_INVAL);
	ck_assert_int_eq(
		modiso_scan_memory(NULL, 1, MODISO_SCAN_ALL, NULL, NULL),
		MODISO_ERR_INVAL);
	ck_assert_int_eq(
		modiso_scan_memory(code, SIZE_MAX, MODISO_SCAN_ALL, NULL, NULL),
		MODISO_ERR_INVAL);
}
END_TEST

START_TEST(test_scan_pieces)
{
	static const struct mdi_scan_piece pieces[] = {
		{"\x90\x0f", 2}, {"", 0}, {"\x01", 1}, {"\xef\x90", 2}};
	struct mdi_scan_place place;

	ck_assert_int_eq(mdi_scan_pieces(pieces, 4, MODISO_SCAN_PKRU, &place),
			 MODISO_ERR_GADGET);
	ck_assert_uint_eq(place.position, 1);
	ck_assert_uint_eq(place.kind, MODISO_SCAN_WRPKRU);
	ck_assert_int_eq(mdi_scan_pieces(pieces, 4, MODISO_SCAN_PKRU, NULL),
			 MODISO_ERR_GADGET);
	ck_assert_int_eq(mdi_scan_pieces(pieces, 4, MODISO_SCAN_KERNEL, NULL),
			 0);
	ck_assert_int_eq(mdi_scan_pieces(pieces, 3, MODISO_SCAN_ALL, NULL), 0);
}
END_TEST

/* Memory that is not adjacent: no instruction can lie across. */
START_TEST(test_seek)
{
	struct mdi_scan scan;

	found.count = 0;
	mdi_scan_start(&scan, MODISO_SCAN_ALL, collect, &found);
	ck_assert_int_eq(mdi_scan_feed(&scan, "\x0f\x01", 2), 0);
	mdi_scan_seek(&scan, 0x1000);
	ck_assert_int_eq(mdi_scan_feed(&scan, "\xef\x0f\x05", 3), 0);
	ck_assert_uint_eq(found.count, 1);
	ck_assert_uint_eq(found.at[0].position, 0x1001);
}
END_TEST

START_TEST(test_kind_names)
{
	ck_assert_str_eq(modiso_scan_kind_name(MODISO_SCAN_WRPKRU), "wrpkru");
	ck_assert_str_eq(modiso_scan_kind_name(MODISO_SCAN_INT80), "int80");
	ck_assert_str_eq(modiso_scan_kind_name(MODISO_SCAN_REX2), "rex2");
	ck_assert_str_eq(modiso_scan_kind_name(0), "?");
	ck_assert_str_eq(modiso_scan_kind_name(3), "?");
	ck_assert_str_eq(modiso_scan_kind_name(MODISO_SCAN_ALL + 1u), "?");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("scan_memory");
	TCase *tcase = tcase_create("unit");

	tcase_add_test(tcase, test_two_mappings);
	tcase_add_test(tcase, test_memory);
	tcase_add_test(tcase, test_wrong_arguments);
	tcase_add_test(tcase, test_scan_pieces);
	tcase_add_test(tcase, test_seek);
	tcase_add_test(tcase, test_kind_names);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
