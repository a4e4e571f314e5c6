/* SPDX-License-Identifier: MIT */
#include "arch/forbidden.h"

#include "arch/x86_64/forbidden_skip.h"

/* An encoding ends at most this far behind the first byte of its pair. */
#define PAIR_REACH 3

/* Prefixes come in any order; REX is one, where it is ignored as well. */
static bool is_prefix(uint8_t byte)
{
	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0x64 ... 0x67:
	case 0x40 ... 0x4f:
	case 0xf0:
	case 0xf2:
	case 0xf3:
		return true;
	default:
		return false;
	}
}

/*
 * The nearest f3 among the prefixes that end before @at, at most @most bytes
 * back. CPUs let the last one of f2 and f3 count and refuse f0; those are
 * reported as well, because what another CPU does is not known.
 */
static bool find_f3(const uint8_t *bytes, size_t at, size_t most, size_t *f3)
{
	for (size_t back = 1; back <= most && back <= at; back++) {
		if (bytes[at - back] == 0xf3) {
			*f3 = at - back;
			return true;
		}
		if (!is_prefix(bytes[at - back]))
			return false;
	}
	return false;
}

static inline unsigned mod(uint8_t modrm)
{
	return modrm >> 6;
}

static inline unsigned reg(uint8_t modrm)
{
	return modrm >> 3 & 7;
}

/* The two opcodes of WRFSBASE and WRGSBASE; 0 for anything else. */
static uint32_t base_kind(uint8_t modrm)
{
	if (mod(modrm) != 3)
		return 0;
	return reg(modrm) == 2   ? MODISO_SCAN_WRFSBASE
	       : reg(modrm) == 3 ? MODISO_SCAN_WRGSBASE
				 : 0;
}

/* A pair that needs f3 before it begins there. */
static bool after_f3(const uint8_t *bytes, struct mdi_scan_match *match)
{
	size_t end = match->at + match->length, f3;

	if (!find_f3(bytes, match->at, MDI_SCAN_REACH + 1 - match->length, &f3))
		return false;
	match->at = f3;
	match->length = (uint32_t)(end - f3);
	return true;
}

/* 0f ae and 0f c7 with the byte that tells their sixteen meanings apart. */
static bool match_modrm(const uint8_t *bytes, uint8_t modrm,
			struct mdi_scan_match *match)
{
	match->length = 3;
	if (bytes[match->at + 1] == 0xc7) {
		match->kind = MODISO_SCAN_XRSTORS;
		return mod(modrm) != 3 && reg(modrm) == 3;
	}
	match->kind = MODISO_SCAN_XRSTOR;
	if (mod(modrm) != 3)
		return reg(modrm) == 5;
	match->kind = base_kind(modrm);
	return match->kind != 0 && after_f3(bytes, match);
}

static bool match_0f(const uint8_t *bytes, size_t left,
		     struct mdi_scan_match *match)
{
	const uint8_t *pair = bytes + match->at;

	match->length = 2;
	switch (pair[1]) {
	case 0x05:
		match->kind = MODISO_SCAN_SYSCALL;
		return true;
	case 0x34:
		match->kind = MODISO_SCAN_SYSENTER;
		return true;
	case 0x01:
		match->kind = MODISO_SCAN_WRPKRU;
		match->length = 3;
		return left >= 3 && pair[2] == 0xef;
	case 0xae:
	case 0xc7:
		return left >= 3 && match_modrm(bytes, pair[2], match);
	default:
		return false;
	}
}

/* XRSTOR and SYSENTER are undefined behind REX2. */
static bool match_rex2(const uint8_t *bytes, size_t left,
		       struct mdi_scan_match *match)
{
	const uint8_t *pair = bytes + match->at;

	match->kind = MODISO_SCAN_REX2;
	if (left < 3 || !(pair[1] & 0x80))
		return false;
	match->length = 3;
	if (pair[2] == 0x05)
		return true;
	match->length = 4;
	if (left < 4)
		return false;
	if (pair[2] == 0x01)
		return pair[3] == 0xef;
	return pair[2] == 0xae && base_kind(pair[3]) != 0 &&
	       after_f3(bytes, match);
}

/* A pair begins at @at, so there are two bytes. */
static bool match_at(const uint8_t *bytes, size_t length, size_t at,
		     struct mdi_scan_match *match)
{
	size_t left = length - at;

	match->at = at;
	switch (bytes[at]) {
	case 0x0f:
		return match_0f(bytes, left, match);
	case 0xcd:
		match->kind = MODISO_SCAN_INT80;
		match->length = 2;
		return bytes[at + 1] == 0x80;
	case 0xd5:
		return match_rex2(bytes, left, match);
	default:
		return false;
	}
}

/* What is found at @at, if it is wanted and ends at @from or later. */
static size_t take(const uint8_t *bytes, size_t length, size_t from, size_t at,
		   uint32_t kinds, struct mdi_scan_match *match)
{
	size_t next;

	if (!match_at(bytes, length, at, match))
		return 0;
	next = match->at + match->length;
	return next > from && (match->kind & kinds) ? next : 0;
}

size_t mdi_scan_next(const uint8_t *bytes, size_t length, size_t from,
		     uint32_t kinds, struct mdi_scan_match *match)
{
	mdi_scan_skip_fn *skip = mdi_scan_skip();
	size_t at = from > PAIR_REACH ? from - PAIR_REACH : 0, next;

	while ((at = skip(bytes, length, at, kinds)) < length) {
		next = take(bytes, length, from, at, kinds, match);
		if (next != 0)
			return next;
		at++;
	}
	return 0;
}

const struct mdi_scan_spelling mdi_scan_spellings[] = {
	{3, {0x0f, 0x01, 0xef}},             /* wrpkru */
	{3, {0x0f, 0xae, 0x28}},             /* xrstor (%rax) */
	{3, {0x0f, 0xc7, 0x18}},             /* xrstors (%rax) */
	{2, {0x0f, 0x05}},                   /* syscall */
	{2, {0x0f, 0x34}},                   /* sysenter */
	{2, {0xcd, 0x80}},                   /* int $0x80 */
	{4, {0xf3, 0x0f, 0xae, 0xd0}},       /* wrfsbase %eax */
	{4, {0xf3, 0x0f, 0xae, 0xd8}},       /* wrgsbase %eax */
	{3, {0xd5, 0x80, 0x05}},             /* syscall behind REX2 */
	{4, {0xd5, 0x80, 0x01, 0xef}},       /* wrpkru behind REX2 */
	{5, {0xf3, 0xd5, 0x80, 0xae, 0xd0}}, /* wrfsbase behind REX2 */
	{5, {0xf3, 0xd5, 0x80, 0xae, 0xd8}}, /* wrgsbase behind REX2 */
	{0, {0}},
};
