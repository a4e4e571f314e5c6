/* SPDX-License-Identifier: MIT */
/* Every x86-64 CPU has SSE2. */
#include "arch/x86_64/forbidden_skip.h"

#include <emmintrin.h>

#define LANES 16u

static inline __m128i load(const uint8_t *bytes)
{
	return _mm_loadu_si128((const __m128i *)(const void *)bytes);
}

static inline __m128i equal(__m128i lanes, int byte)
{
	return _mm_cmpeq_epi8(lanes, _mm_set1_epi8((char)byte));
}

/*
 * The top bit of lane n says whether a pair begins at place n; the others mean
 * nothing. 01 and 05 differ in one bit, and 80 to ff have the top one.
 */
static inline __m128i pairs(const uint8_t *bytes, bool all)
{
	__m128i one = load(bytes), two = load(bytes + 1);
	__m128i with_0f =
		equal(_mm_and_si128(two, _mm_set1_epi8((char)0xfb)), 0x01);
	__m128i with_cd, with_d5;

	with_0f = _mm_or_si128(with_0f, equal(two, 0x34));
	with_0f = _mm_or_si128(with_0f, equal(two, 0xae));
	with_0f = _mm_or_si128(with_0f, equal(two, 0xc7));
	with_0f = _mm_and_si128(with_0f, equal(one, 0x0f));
	if (!all)
		return with_0f;
	with_cd = _mm_and_si128(equal(one, 0xcd), equal(two, 0x80));
	with_d5 = _mm_and_si128(equal(one, 0xd5), two);
	return _mm_or_si128(with_0f, _mm_or_si128(with_cd, with_d5));
}

static inline size_t lowest(unsigned found)
{
	return (unsigned)__builtin_ctz(found);
}

/* @all is a constant where this is called: a loop for each. */
MDI_INLINE size_t skip(const uint8_t *bytes, size_t length, size_t at,
		       bool all)
{
	unsigned found;
	size_t last;

	/* Sixteen places and the byte behind them lie within the bytes. */
	last = length - LANES - 1;
	for (; at <= last; at += LANES) {
		found = (unsigned)_mm_movemask_epi8(pairs(bytes + at, all));
		if (found != 0)
			return at + lowest(found);
	}
	if (at - last >= LANES)
		return length;
	/* The last ones again, without those that were looked at. */
	found = (unsigned)_mm_movemask_epi8(pairs(bytes + last, all));
	found >>= at - last;
	return found != 0 ? at + lowest(found) : length;
}

size_t mdi_scan_skip_sse2(const uint8_t *bytes, size_t length, size_t at,
			  uint32_t kinds)
{
	if (length <= LANES)
		return mdi_scan_skip_plain(bytes, length, at, kinds);
	return kinds & MDI_SCAN_BESIDE_0F ? skip(bytes, length, at, true)
					  : skip(bytes, length, at, false);
}
