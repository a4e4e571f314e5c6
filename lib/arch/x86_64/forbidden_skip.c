/* SPDX-License-Identifier: MIT */
#include "arch/x86_64/forbidden_skip.h"

#include "arch/cpu.h"

/* A bit for each kind of pair: what can begin one, and what can end it. */
#define PAIR_0F 1u
#define PAIR_CD 2u
#define PAIR_D5 4u

static const uint8_t begins[256] = {
	[0x0f] = PAIR_0F,
	[0xcd] = PAIR_CD,
	[0xd5] = PAIR_D5,
};

static const uint8_t ends[256] = {
	[0x01] = PAIR_0F,
	[0x05] = PAIR_0F,
	[0x34] = PAIR_0F,
	[0x80] = PAIR_CD | PAIR_D5,
	[0x81 ... 0xad] = PAIR_D5,
	[0xae] = PAIR_0F | PAIR_D5,
	[0xaf ... 0xc6] = PAIR_D5,
	[0xc7] = PAIR_0F | PAIR_D5,
	[0xc8 ... 0xff] = PAIR_D5,
};

size_t mdi_scan_skip_plain(const uint8_t *bytes, size_t length, size_t at,
			   uint32_t kinds)
{
	unsigned wanted = kinds & MDI_SCAN_BESIDE_0F ? ~0u : PAIR_0F;
	size_t last = length != 0 ? length - 1 : 0;

	for (; at < last; at++)
		if (begins[bytes[at]] & ends[bytes[at + 1]] & wanted)
			return at;
	return length;
}

/* AVX-512 is left alone: some CPUs run slower for a while after its use. */
mdi_scan_skip_fn *mdi_scan_skip(void)
{
	return mdi_cpu()->avx2 ? mdi_scan_skip_avx2 : mdi_scan_skip_sse2;
}
