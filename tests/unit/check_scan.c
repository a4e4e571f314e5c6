/* SPDX-License-Identifier: MIT */
/*
 * check_scan - forbidden instructions are found wherever they lie, and what
 * looks like them is left alone.
 */
#include "unit/scan_found.h"
#include "support/world.h"
#include "support/scan_samples.h"
#include "support/test.h"
#include "code/scan.h"

#include <modiso.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void expect_one(const struct sample *sample, size_t at, const char *how)
{
	const struct mdi_scan_place *place = &found.at[0];
	size_t length = sample->length - sample->skip;

	if (found.count != 1)
		ck_abort_msg("%s at %zu, %s: %zu hits", sample->name, at, how,
			     found.count);
	if (place->kind != sample->kind ||
	    place->position != at + sample->skip || place->length != length ||
	    memcmp(place->bytes, sample->bytes + sample->skip, length) != 0)
		ck_abort_msg("%s at %zu, %s: %s of %u bytes at %zu",
			     sample->name, at, how,
			     modiso_scan_kind_name(place->kind), place->length,
			     (size_t)place->position);
}

/* @length bytes that end where nobody may read on, and begin likewise. */
static uint8_t *fenced(size_t length, bool at_end)
{
	size_t whole = (length + PAGE - 1) / PAGE * PAGE;
	char *base = mmap(NULL, whole + 2 * PAGE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(base, MAP_FAILED);
	ck_assert_int_eq(mprotect(base + PAGE, whole, PROT_READ | PROT_WRITE),
			 0);
	base += PAGE + (at_end ? whole - length : 0);
	memset(base, 0x90, length);
	return (uint8_t *)base;
}

static void check_each(const struct sample *sample)
{
	scan_whole(sample->bytes, sample->length);
	expect_one(sample, 0, "alone");
}

START_TEST(test_each)
{
	for (int i = 0; i < SAMPLES; i++)
		check_each(&samples[i]);
}
END_TEST

static void check_harmless(const struct sample *sample)
{
	uint8_t bytes[128];

	scan_whole(sample->bytes, sample->length);
	ck_assert_msg(found.count == 0, "%s alone", sample->name);
	/* Where sixteen places are looked at together as well. */
	for (size_t at = 0; at + sample->length <= sizeof(bytes); at++) {
		memset(bytes, 0x90, sizeof(bytes));
		memcpy(bytes + at, sample->bytes, sample->length);
		scan_whole(bytes, sizeof(bytes));
		if (found.count != 0)
			ck_abort_msg("%s at %zu", sample->name, at);
	}
}

START_TEST(test_harmless)
{
	for (int i = 0; i < HARMLESS; i++)
		check_harmless(&harmless[i]);
}
END_TEST

/* At each offset of ranges of many lengths, the first and last byte included */
static void check_each_offset(const struct sample *sample)
{
	uint8_t *last = fenced(80, true), *first = fenced(80, false);

	for (size_t length = sample->length; length <= 80; length++) {
		uint8_t *bytes = last + 80 - length;

		for (size_t at = 0; at + sample->length <= length; at++) {
			memset(bytes, 0x90, length);
			memcpy(bytes + at, sample->bytes, sample->length);
			scan_whole(bytes, length);
			expect_one(sample, at, "up to a fence");
			memcpy(first, bytes, length);
			scan_whole(first, length);
			expect_one(sample, at, "from a fence on");
		}
	}
}

START_TEST(test_each_offset)
{
	for (int i = 0; i < SAMPLES; i++)
		check_each_offset(&samples[i]);
}
END_TEST

/* The end is missing: there is nothing that could run. */
static void check_incomplete(const struct sample *sample)
{
	for (size_t length = 0; length < sample->length; length++) {
		scan_whole(sample->bytes, length);
		ck_assert_msg(found.count == 0, "%zu bytes of %s", length,
			      sample->name);
	}
}

START_TEST(test_incomplete)
{
	for (int i = 0; i < SAMPLES; i++)
		check_incomplete(&samples[i]);
}
END_TEST

/* Cut in two anywhere, and into pieces of every small size. */
static void check_pieces(const struct sample *sample)
{
	uint8_t bytes[64];

	for (size_t at = 0; at + sample->length <= sizeof(bytes); at++) {
		memset(bytes, 0x90, sizeof(bytes));
		memcpy(bytes + at, sample->bytes, sample->length);
		for (size_t cut = 1; cut < sizeof(bytes); cut++) {
			scan_cut(bytes, sizeof(bytes), cut, sizeof(bytes));
			expect_one(sample, at, "cut in two");
			scan_cut(bytes, sizeof(bytes), cut, 1);
			expect_one(sample, at, "cut, then byte by byte");
		}
		for (size_t step = 1; step < 20; step++) {
			scan_cut(bytes, sizeof(bytes), step, step);
			expect_one(sample, at, "in equal pieces");
		}
	}
}

START_TEST(test_pieces)
{
	for (int i = 0; i < SAMPLES; i++)
		check_pieces(&samples[i]);
}
END_TEST

/* Each sample directly behind each other one, three times. */
static void check_back_to_back(const struct sample *one)
{
	uint8_t bytes[3 * 32];

	for (int i = 0; i < SAMPLES; i++) {
		const struct sample *two = &samples[i];
		size_t length = 0;

		for (int n = 0; n < 3; n++) {
			memcpy(bytes + length, one->bytes, one->length);
			length += one->length;
			memcpy(bytes + length, two->bytes, two->length);
			length += two->length;
		}
		scan_whole(bytes, length);
		ck_assert_msg(found.count == 6, "%s and %s: %zu of 6",
			      one->name, two->name, found.count);
		for (size_t n = 0; n < 6; n++)
			ck_assert_uint_eq(found.at[n].kind,
					  n % 2 ? two->kind : one->kind);
		scan_cut(bytes, length, 1, 1);
		ck_assert_uint_eq(found.count, 6);
	}
}

START_TEST(test_back_to_back)
{
	for (int i = 0; i < SAMPLES; i++)
		check_back_to_back(&samples[i]);
}
END_TEST

START_TEST(test_constant)
{
	/* mov $0xef010f,%eax; mov $0x050f0000,%ebx */
	static const uint8_t code[] = {0xb8, 0x0f, 0x01, 0xef, 0x00,
				       0xbb, 0x00, 0x00, 0x0f, 0x05};

	scan_whole(code, sizeof(code));
	ck_assert_uint_eq(found.count, 2);
	ck_assert_uint_eq(found.at[0].position, 1);
	ck_assert_uint_eq(found.at[0].kind, MODISO_SCAN_WRPKRU);
	ck_assert_uint_eq(found.at[1].position, 8);
	ck_assert_uint_eq(found.at[1].kind, MODISO_SCAN_SYSCALL);
}
END_TEST

/* Only what is asked for, whatever surrounds it. */
static void check_kinds(const struct sample *sample)
{
	uint8_t bytes[8 * 16];
	int index = (int)(sample - samples);
	size_t length = 0, own = 0;

	for (int i = 0; i < 8; i++) {
		const struct sample *next =
			i % 2 ? sample : &samples[(index + i) % SAMPLES];

		memcpy(bytes + length, next->bytes, next->length);
		length += next->length;
		own += next->kind == sample->kind;
	}
	for (unsigned bit = 0; 1u << bit <= MODISO_SCAN_ALL; bit++) {
		struct mdi_scan scan;
		size_t wanted = 0;

		found.count = 0;
		mdi_scan_start(&scan, 1u << bit, collect, &found);
		ck_assert_int_eq(mdi_scan_feed(&scan, bytes, length), 0);
		for (size_t i = 0; i < found.count; i++)
			ck_assert_uint_eq(found.at[i].kind, 1u << bit);
		if (1u << bit == sample->kind)
			wanted = own;
		ck_assert_uint_ge(found.count, wanted);
		ck_assert(1u << bit != sample->kind || found.count == own);
	}
}

START_TEST(test_kinds)
{
	for (int i = 0; i < SAMPLES; i++)
		check_kinds(&samples[i]);
}
END_TEST

static bool starts(const uint8_t *bytes, size_t left, size_t count,
		   const uint8_t *wanted)
{
	return left >= count && memcmp(bytes, wanted, count) == 0;
}

static uint32_t slow_modrm(const uint8_t *code, size_t left)
{
	unsigned mod, reg;

	if (left < 3)
		return 0;
	mod = code[2] / 64;
	reg = code[2] / 8 % 8;
	if (code[1] == 0xc7)
		return mod < 3 && reg == 3 ? MODISO_SCAN_XRSTORS : 0;
	return mod < 3 && reg == 5 ? MODISO_SCAN_XRSTOR : 0;
}

static uint32_t slow_base(uint8_t modrm)
{
	return (modrm & 0xf8) == 0xd0   ? MODISO_SCAN_WRFSBASE
	       : (modrm & 0xf8) == 0xd8 ? MODISO_SCAN_WRGSBASE
					: 0;
}

/* An instruction that begins with f3; another f3 begins its own. */
static uint32_t slow_f3(const uint8_t *code, size_t left)
{
	static const uint8_t prefixes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64,
					   0x65, 0x66, 0x67, 0xf0, 0xf2};
	size_t i = 1;

	while (i < left && i < 15 &&
	       (memchr(prefixes, code[i], sizeof(prefixes)) ||
		(code[i] & 0xf0) == 0x40))
		i++;
	if (left < i + 3)
		return 0;
	if (code[i] == 0x0f && code[i + 1] == 0xae && i + 3 <= 15)
		return slow_base(code[i + 2]);
	if (left >= i + 4 && code[i] == 0xd5 && code[i + 1] >= 0x80 &&
	    code[i + 2] == 0xae && i + 4 <= 15)
		return slow_base(code[i + 3]) ? MODISO_SCAN_REX2 : 0;
	return 0;
}

static uint32_t slow_kind(const uint8_t *code, size_t left)
{
	if (starts(code, left, 3, (const uint8_t *)"\x0f\x01\xef"))
		return MODISO_SCAN_WRPKRU;
	if (starts(code, left, 2, (const uint8_t *)"\x0f\x05"))
		return MODISO_SCAN_SYSCALL;
	if (starts(code, left, 2, (const uint8_t *)"\x0f\x34"))
		return MODISO_SCAN_SYSENTER;
	if (starts(code, left, 2, (const uint8_t *)"\xcd\x80"))
		return MODISO_SCAN_INT80;
	if (starts(code, left, 2, (const uint8_t *)"\x0f\xae") ||
	    starts(code, left, 2, (const uint8_t *)"\x0f\xc7"))
		return slow_modrm(code, left);
	if (code[0] == 0xf3)
		return slow_f3(code, left);
	if (left >= 3 && code[0] == 0xd5 && code[1] >= 0x80 &&
	    (code[2] == 0x05 ||
	     (left >= 4 && code[2] == 0x01 && code[3] == 0xef)))
		return MODISO_SCAN_REX2;
	return 0;
}

START_TEST(test_random)
{
	unsigned seed = (unsigned)_i;
	uint8_t bytes[512];

	for (int round = 0; round < 2000; round++) {
		size_t length = (size_t)rand_r(&seed) % sizeof(bytes) + 1;
		size_t count = 0;

		fill(bytes, length, &seed);
		if (round % 2)
			scan_whole(bytes, length);
		else
			scan_cut(bytes, length, (size_t)rand_r(&seed) % 40 + 1,
				 (size_t)rand_r(&seed) % 40 + 1);
		for (size_t at = 0; at < length; at++) {
			uint32_t kind = slow_kind(bytes + at, length - at);

			if (kind == 0)
				continue;
			if (count == found.count ||
			    found.at[count].position != at ||
			    found.at[count].kind != kind)
				ck_abort_msg("%s at %zu is not hit %zu",
					     modiso_scan_kind_name(kind), at,
					     count);
			count++;
		}
		ck_assert_uint_eq(found.count, count);
	}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("scan");
	TCase *tcase = tcase_create("unit");

	tcase_add_test(tcase, test_each);
	tcase_add_test(tcase, test_harmless);
	tcase_add_test(tcase, test_each_offset);
	tcase_add_test(tcase, test_incomplete);
	tcase_add_test(tcase, test_pieces);
	tcase_add_test(tcase, test_back_to_back);
	tcase_add_test(tcase, test_constant);
	tcase_add_test(tcase, test_kinds);
	tcase_add_loop_test(tcase, test_random, 1, 5);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
