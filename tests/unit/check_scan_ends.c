/* SPDX-License-Identifier: MIT */
/*
 * check_scan_ends - the ends of code: what could begin a forbidden
 * instruction, whose rest lies beside it.
 */
#include "unit/scan_found.h"
#include "support/scan_samples.h"
#include "support/test.h"
#include "code/scan.h"

#include <modiso.h>
#include <stdlib.h>
#include <string.h>

static int open_end(const uint8_t *bytes, size_t length)
{
	struct mdi_scan_place place;
	int result = mdi_scan_open_end(bytes, length, MODISO_SCAN_ALL, &place);

	if (result == 0)
		return 0;
	must_eq(result, MODISO_ERR_GADGET);
	must(place.open && place.length != 0);
	must_eq(place.position + place.length, length);
	must(!memcmp(place.bytes, bytes + place.position, place.length));
	return result;
}

static size_t hits(const uint8_t *bytes, size_t length)
{
	scan_whole(bytes, length);
	return found.count;
}

/* Cut anywhere, one of the two halves cannot be code. */
static void check_halves(const struct sample *sample)
{
	uint8_t first[64];

	memset(first, 0x90, sizeof(first));
	for (size_t cut = 1; cut < sample->length; cut++) {
		const uint8_t *rest = sample->bytes + cut;
		size_t left = sample->length - cut, at = sizeof(first) - cut;

		memcpy(first + at, sample->bytes, cut);
		if (!hits(rest, left) && !open_end(first, sizeof(first)))
			ck_abort_msg("%s, cut at %zu", sample->name, cut);
		/* In no more bytes than there are. */
		must_eq(open_end(first + at, cut),
			open_end(first, sizeof(first)));
	}
}

START_TEST(test_halves)
{
	for (int i = 0; i < SAMPLES; i++)
		check_halves(&samples[i]);
}
END_TEST

/* What is clean and ends with no beginning stays clean beside anything clean.*/
START_TEST(test_neighbours)
{
	unsigned seed = (unsigned)_i;
	uint8_t bytes[64];
	size_t pairs = 0, ends = 0;

	for (int round = 0; round < 200000; round++) {
		size_t cut = (size_t)rand_r(&seed) % 20 + 1;
		size_t length = cut + (size_t)rand_r(&seed) % 20 + 1;

		fill(bytes, length, &seed);
		if (hits(bytes, cut) || hits(bytes + cut, length - cut))
			continue;
		if (open_end(bytes, cut)) {
			ends++;
			continue;
		}
		pairs++;
		if (hits(bytes, length))
			ck_abort_msg("round %d: %zu bytes, then %zu", round,
				     cut, length - cut);
	}
	must(pairs > 1000 && ends > 1000);
}
END_TEST

/* Only what is asked for; and how code usually ends. */
START_TEST(test_plain_ends)
{
	static const uint8_t ret = 0xc3, none = 0, trap = 0xcc, nop = 0x90;
	static const uint8_t syscall[] = {0x90, 0x0f}, int80[] = {0x90, 0xcd};
	struct mdi_scan_place place;

	must(!open_end(&ret, 1) && !open_end(&none, 1));
	must(!open_end(&trap, 1) && !open_end(&nop, 1));
	must(open_end(int80, 2));
	must(!mdi_scan_open_end(int80, 2, MODISO_SCAN_PKRU, &place));
	must(mdi_scan_open_end(syscall, 2, MODISO_SCAN_SYSCALL, &place));
	must_eq(place.kind, MODISO_SCAN_SYSCALL);
	must(mdi_scan_open_end(syscall, 2, MODISO_SCAN_PKRU, &place));
	must_eq(place.kind, MODISO_SCAN_WRPKRU);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("scan_ends");
	TCase *tcase = tcase_create("unit");

	tcase_add_test(tcase, test_halves);
	tcase_add_loop_test(tcase, test_neighbours, 0, 4);
	tcase_add_test(tcase, test_plain_ends);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
