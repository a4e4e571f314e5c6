/* SPDX-License-Identifier: MIT */
/*
 * check_options - structures of callers that are older, newer, or ask for what
 * nobody knows.
 */
#include "support/test.h"

#include "base/error.h"
#include "base/options.h"

#include <string.h>

struct sample {
	uint32_t struct_size;
	uint32_t word[3];
};

/* The first version ended with word[0]. */
#define FIRST 8

/* What a later version of the library might have. */
struct larger {
	struct sample sample;
	unsigned char more[9];
};

static const struct sample defaults = {sizeof(defaults), {1, 2, 3}};

START_TEST(test_same)
{
	struct sample given = {sizeof(given), {7, 0, 9}}, known = defaults;

	ck_assert_int_eq(mdi_options_take(&given, FIRST, &known,
					  sizeof(known), "sample"),
			 0);
	ck_assert_mem_eq(&known, &given, sizeof(known));
}
END_TEST

/* Below the size of the first version there is none. */
START_TEST(test_too_small)
{
	struct sample given = {0, {7, 8, 9}}, known = defaults;

	for (given.struct_size = 0; given.struct_size < FIRST;
	     given.struct_size++) {
		ck_assert_int_eq(mdi_options_take(&given, FIRST, &known,
						  sizeof(known), "sample"),
				 MODISO_ERR_INVAL);
		ck_assert_mem_eq(&known, &defaults, sizeof(known));
	}
	ck_assert_ptr_nonnull(
		strstr(modiso_last_error_text(), "sample.struct_size is 7"));
}
END_TEST

/* What an older program does not have keeps its default. */
START_TEST(test_older)
{
	struct sample given = {0, {7, 8, 9}}, known;

	for (uint32_t size = FIRST; size <= sizeof(given); size += 4) {
		known = defaults;
		given.struct_size = size;
		ck_assert_int_eq(mdi_options_take(&given, FIRST, &known,
						  sizeof(known), "sample"),
				 0);
		for (uint32_t i = 0; i < 3; i++)
			ck_assert_uint_eq(known.word[i],
					  4 * i + 8 <= size ? i + 7 : i + 1);
	}
}
END_TEST

START_TEST(test_defaults)
{
	struct sample known = defaults;

	ck_assert_int_eq(mdi_options_take(NULL, FIRST, &known, sizeof(known),
					  "sample"),
			 0);
	ck_assert_mem_eq(&known, &defaults, sizeof(known));
}
END_TEST

START_TEST(test_newer)
{
	struct larger given = {{0, {7, 8, 9}}, {0}};
	struct sample known = defaults;

	given.sample.struct_size = sizeof(given.sample) + sizeof(given.more);
	ck_assert_int_eq(mdi_options_take(&given, FIRST, &known, sizeof(known),
					  "sample"),
			 0);
	ck_assert_uint_eq(known.word[0], 7);
	ck_assert_uint_eq(known.word[2], 9);
}
END_TEST

/* Each byte that is not known, alone. */
START_TEST(test_unknown)
{
	struct larger given = {{0, {7, 8, 9}}, {0}};
	struct sample known = defaults;
	uint32_t *size = &given.sample.struct_size;

	for (uint32_t i = 0; i < sizeof(given.more); i++) {
		given.more[i] = 1;
		*size = sizeof(given.sample) + sizeof(given.more);
		ck_assert_int_eq(mdi_options_take(&given, FIRST, &known,
						  sizeof(known), "sample"),
				 MODISO_ERR_INVAL);
		ck_assert_mem_eq(&known, &defaults, sizeof(known));
		/* What lies behind the caller's structure is not looked at. */
		*size = (uint32_t)sizeof(given.sample) + i;
		ck_assert_int_eq(mdi_options_take(&given, FIRST, &known,
						  sizeof(known), "sample"),
				 0);
		known = defaults;
		given.more[i] = 0;
	}
	ck_assert_ptr_nonnull(strstr(modiso_last_error_text(), "byte 24"));
}
END_TEST

/* As much as there is room for, nothing behind, zeros for what is unknown. */
START_TEST(test_answer)
{
	static const struct sample answer = {sizeof(answer), {7, 8, 9}};
	unsigned char room[32];

	for (uint32_t size = FIRST; size < sizeof(room) - 4; size++) {
		memset(room, 0xaa, sizeof(room));
		memcpy(room, &size, sizeof(size));
		ck_assert_int_eq(mdi_info_check(room, FIRST, "info"), 0);
		mdi_info_give(room, &answer, sizeof(answer));
		ck_assert_mem_eq(room, &size, sizeof(size));
		for (uint32_t i = 4; i < sizeof(room); i++)
			ck_assert_uint_eq(
				room[i],
				i >= size            ? 0xaa
				: i < sizeof(answer) ? ((const unsigned char *)
								&answer)[i]
						     : 0);
	}
	ck_assert_int_eq(mdi_info_check(NULL, FIRST, "info"), MODISO_ERR_INVAL);
	memset(room, 0, sizeof(room));
	ck_assert_int_eq(mdi_info_check(room, FIRST, "info"), MODISO_ERR_INVAL);
}
END_TEST

START_TEST(test_flags)
{
	unsigned i;

	ck_assert_int_eq(mdi_options_flags(0, 0, "flags"), 0);
	ck_assert_int_eq(mdi_options_flags(5, 7, "flags"), 0);
	for (i = 0; i < 32; i++)
		ck_assert_int_eq(mdi_options_flags(1u << i | 3, 0xf, "flags"),
				 i < 4 ? 0 : MODISO_ERR_INVAL);
	/* The bits that are unknown, and no others. */
	mdi_options_flags(0x80000003u, 0xf, "the flags");
	ck_assert_str_eq(modiso_last_error_text(),
			 "the flags has unknown bits: 0x80000000");
}
END_TEST

START_TEST(test_null)
{
	ck_assert_int_eq(mdi_null_argument("gate"), MODISO_ERR_INVAL);
	ck_assert_str_eq(modiso_last_error_text(), "gate is NULL");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("options");
	TCase *tcase = tcase_create("unit");

	tcase_add_test(tcase, test_same);
	tcase_add_test(tcase, test_too_small);
	tcase_add_test(tcase, test_older);
	tcase_add_test(tcase, test_defaults);
	tcase_add_test(tcase, test_newer);
	tcase_add_test(tcase, test_unknown);
	tcase_add_test(tcase, test_answer);
	tcase_add_test(tcase, test_flags);
	tcase_add_test(tcase, test_null);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
