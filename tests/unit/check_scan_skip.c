/* SPDX-License-Identifier: MIT */
/*
 * check_scan_skip - the ways to skip what is no forbidden instruction answer
 * alike, at every alignment, up to the last byte and no further; and how many
 * instructions they take for a byte.
 */
#include "unit/scan_found.h"
#include "support/test.h"
#include "support/trap_flag.h"
#include "support/world.h"

#include "arch/x86_64/forbidden_skip.h"
#include "arch/cpu.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* The most that is looked at together, and a piece of several of those. */
#define LANES 32
#define PIECE 160

/* Instructions in a hundred bytes without a pair, as GCC makes them. */
#if defined(__OPTIMIZE__) && !defined(__clang__)
#	define SLACK 1
#else
#	define SLACK 10
#endif

static const struct way {
	const char *name;
	mdi_scan_skip_fn *skip;
	unsigned in_hundred[2]; /* with all kinds, and under GUARD */
} ways[] = {
	{"plain", mdi_scan_skip_plain, {1200, 1200}},
	{"sse2", mdi_scan_skip_sse2, {220, 165}},
	{"avx2", mdi_scan_skip_avx2, {75, 45}},
};
static const uint32_t wanted[2] = {MODISO_SCAN_ALL, MODISO_SCAN_PKRU};
#define WAYS (sizeof(ways) / sizeof(*ways))

static bool usable(const struct way *way)
{
	return way->skip != mdi_scan_skip_avx2 || mdi_cpu()->avx2;
}

/* What a pair is, in other words than the library's. */
static bool is_pair(uint8_t one, uint8_t two, uint32_t kinds)
{
	if (one == 0x0f)
		return memchr("\x01\x05\x34\xae\xc7", two, 5) != NULL;
	return kinds == MODISO_SCAN_ALL && ((one == 0xcd && two == 0x80) ||
					    (one == 0xd5 && two > 0x7f));
}

static size_t first_pair(const uint8_t *bytes, size_t length, size_t at,
			 uint32_t kinds)
{
	for (; at + 1 < length; at++)
		if (is_pair(bytes[at], bytes[at + 1], kinds))
			return at;
	return length;
}

static void expect_kinds_at(const uint8_t *bytes, size_t length, size_t at,
			    uint32_t kinds)
{
	size_t right = first_pair(bytes, length, at, kinds);

	for (size_t i = 0; i < WAYS; i++) {
		size_t got = usable(&ways[i])
				     ? ways[i].skip(bytes, length, at, kinds)
				     : right;

		if (got != right)
			ck_abort_msg("%s, %zu bytes from %zu on: %zu, not %zu",
				     ways[i].name, length, at, got, right);
	}
}

static void expect_at(const uint8_t *bytes, size_t length, size_t at)
{
	for (size_t k = 0; k < 2; k++)
		expect_kinds_at(bytes, length, at, wanted[k]);
}

/* Two pages between two that nobody may touch. */
static uint8_t *fenced(void)
{
	char *base = mmap(NULL, 4 * PAGE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(base, MAP_FAILED);
	ck_assert_int_eq(mprotect(base + PAGE, 2 * PAGE, RW), 0);
	memset(base + PAGE, 0x90, 2 * PAGE);
	return (uint8_t *)base + PAGE;
}

/* Every two bytes, where a register begins and ends, and astride. */
START_TEST(test_every_pair)
{
	static const size_t places[] = {0,  1,  15, 16, 17,  30,  31, 32,
					33, 62, 63, 64, 156, 157, 158};
	const unsigned stride = (unsigned)run_times(1, 19);
	uint8_t *bytes = fenced() + 2 * PAGE - PIECE;

	for (unsigned both = 0; both < 65536; both += stride)
		for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
			size_t at = places[i];

			bytes[at] = (uint8_t)both;
			bytes[at + 1] = (uint8_t)(both >> 8);
			expect_at(bytes, PIECE, 0);
			bytes[at] = bytes[at + 1] = 0x90;
		}
}
END_TEST

/* One pair, at each offset of each length, up to a fence and from one on. */
static void one_pair(uint8_t *first, uint8_t *last, size_t length)
{
	uint8_t *ends = last - length;

	expect_at(ends, length, 0);
	expect_at(first, length, 0);
	for (size_t at = 0; at + 1 < length; at++) {
		ends[at] = first[at] = 0x0f;
		ends[at + 1] = first[at + 1] = 0x05;
		for (size_t from = 0; from <= length; from++) {
			expect_at(ends, length, from);
			expect_at(first, length, from);
		}
		/* Its second byte is not one of theirs. */
		expect_at(first, at + 1, 0);
		ends[at] = first[at] = ends[at + 1] = first[at + 1] = 0x90;
	}
}

START_TEST(test_every_end)
{
	uint8_t *first = fenced(), *last = fenced() + 2 * PAGE;

	for (size_t length = 0; length <= 3 * LANES + 2; length++)
		one_pair(first, last, length);
}
END_TEST

START_TEST(test_every_alignment)
{
	uint8_t *pages = fenced();

	for (size_t shift = 0; shift < 2 * LANES; shift++) {
		uint8_t *bytes = pages + PAGE - LANES + shift;

		for (size_t at = 0; at + 1 < PIECE; at++) {
			bytes[at] = 0xd5;
			bytes[at + 1] = 0xff;
			expect_at(bytes, PIECE, 0);
			bytes[at] = bytes[at + 1] = 0x90;
		}
	}
}
END_TEST

/* Many pairs: from each byte on, and so all of them in their order. */
START_TEST(test_random)
{
	unsigned seed = (unsigned)_i;
	uint8_t *last = fenced() + 2 * PAGE;

	for (unsigned long left = run_times(300, 30); left != 0; left--) {
		size_t length = (size_t)rand_r(&seed) % 512 + 1;

		fill(last - length, length, &seed);
		for (size_t from = 0; from <= length; from++)
			expect_at(last - length, length, from);
	}
}
END_TEST

static volatile unsigned steps;

static void step(int signo)
{
	(void)signo;
	steps++;
}

static void count(const struct way *way, const uint8_t *bytes, size_t k)
{
	unsigned most = way->in_hundred[k] * (unsigned)PAGE / 100 * SLACK;

	steps = 0;
	trap_flag_set();
	(void)way->skip(bytes, PAGE, 0, wanted[k]);
	trap_flag_clear();
	printf("# %s, %s: %u instructions for %zu bytes\n", way->name,
	       k == 0 ? "all" : "GUARD", steps, PAGE);
	ck_assert_uint_gt(steps, PAGE / LANES);
	ck_assert(TEST_SANITIZED || steps <= most);
}

START_TEST(test_instructions)
{
	const struct sigaction action = {.sa_handler = step};
	uint8_t *bytes = fenced();

	ck_assert_int_eq(sigaction(SIGTRAP, &action, NULL), 0);
	for (size_t i = 0; i < WAYS; i++)
		for (size_t k = 0; k < 2 && usable(&ways[i]); k++)
			count(&ways[i], bytes, k);
}
END_TEST

/* Whichever is chosen here is one that this CPU has, and the fastest. */
START_TEST(test_choice)
{
	ck_assert(mdi_scan_skip() == (mdi_cpu()->avx2 ? mdi_scan_skip_avx2
						      : mdi_scan_skip_sse2));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("scan_skip");
	TCase *tcase = tcase_create("unit");

	tcase_add_test(tcase, test_every_pair);
	tcase_add_test(tcase, test_every_end);
	tcase_add_test(tcase, test_every_alignment);
	tcase_add_loop_test(tcase, test_random, 1, 4);
	tcase_add_test(tcase, test_instructions);
	tcase_add_test(tcase, test_choice);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
