/* SPDX-License-Identifier: MIT */
/*
 * For CPUs with AVX2. Compiled for all: no function but those here may use its
 * instructions, and the compiler clears the upper halves of the registers when
 * one returns.
 */
#include "arch/x86_64/forbidden_skip.h"

#include <immintrin.h>

#define LANES 32u
#define AVX2  __attribute__((target("avx2")))

AVX2 static inline __m256i load(const uint8_t *bytes)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)bytes);
}

AVX2 static inline __m256i equal(__m256i lanes, int byte)
{
	return _mm256_cmpeq_epi8(lanes, _mm256_set1_epi8((char)byte));
}

/*
 * What follows 0f differs in its low four bits, which pick here what the byte
 * must be: 01, 34, 05, c7 or ae, or what no byte with these bits is.
 */
#define AFTER_0F                                                               \
	1, 0x01, 0, 0, 0x34, 0x05, 0, (char)0xc7, 0, 0, 0, 0, 0, 0,            \
		(char)0xae, 0

/* As with SSE2. */
AVX2 static inline __m256i pairs(const uint8_t *bytes, bool all)
{
	const __m256i after_0f = _mm256_setr_epi8(AFTER_0F, AFTER_0F);
	__m256i one = load(bytes), two = load(bytes + 1);
	__m256i low = _mm256_and_si256(two, _mm256_set1_epi8(0x0f));
	__m256i with_0f = _mm256_cmpeq_epi8(
		two, _mm256_shuffle_epi8(after_0f, low));
	__m256i with_cd, with_d5;

	with_0f = _mm256_and_si256(with_0f, equal(one, 0x0f));
	if (!all)
		return with_0f;
	with_cd = _mm256_and_si256(equal(one, 0xcd), equal(two, 0x80));
	with_d5 = _mm256_and_si256(equal(one, 0xd5), two);
	return _mm256_or_si256(with_0f, _mm256_or_si256(with_cd, with_d5));
}

static inline size_t lowest(unsigned found)
{
	return (unsigned)__builtin_ctz(found);
}

/* @all is a constant where this is called: a loop for each. */
AVX2 MDI_INLINE size_t skip(const uint8_t *bytes, size_t length, size_t at,
			      bool all)
{
	unsigned found;
	size_t last;

	/* 32 places and the byte behind them lie within the bytes. */
	last = length - LANES - 1;
	for (; at <= last; at += LANES) {
		found = (unsigned)_mm256_movemask_epi8(pairs(bytes + at, all));
		if (found != 0)
			return at + lowest(found);
	}
	if (at - last >= LANES)
		return length;
	/* The last ones again, without those that were looked at. */
	found = (unsigned)_mm256_movemask_epi8(pairs(bytes + last, all));
	found >>= at - last;
	return found != 0 ? at + lowest(found) : length;
}

AVX2 size_t mdi_scan_skip_avx2(const uint8_t *bytes, size_t length, size_t at,
			       uint32_t kinds)
{
	if (length <= LANES)
		return mdi_scan_skip_sse2(bytes, length, at, kinds);
	return kinds & MDI_SCAN_BESIDE_0F ? skip(bytes, length, at, true)
					  : skip(bytes, length, at, false);
}
