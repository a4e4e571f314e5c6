/* SPDX-License-Identifier: MIT */
/* Code that ends within an instruction. */
#include "code/scan.h"

#include <modiso/error.h>

#include <string.h>

/*
 * One spelling of each: where the bytes at hand begin another one, with its
 * prefixes or another payload, they have what differs.
 */
#define SPELLING_MAX 5
static const struct {
	uint8_t length;
	uint8_t bytes[SPELLING_MAX];
} spellings[] = {
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
};

/* The first @kept bytes of @joint are at hand, the others would follow. */
static bool completes(const uint8_t *joint, size_t kept, size_t length,
		      uint32_t kinds, struct mdi_scan_match *match)
{
	return mdi_scan_next(joint, length, kept, kinds, match) != 0 &&
	       match->at < kept;
}

int mdi_scan_open_end(const void *bytes, size_t length, uint32_t kinds,
		      struct mdi_scan_place *place)
{
	size_t kept = length < MDI_SCAN_REACH ? length : MDI_SCAN_REACH;
	uint8_t joint[MDI_SCAN_REACH + SPELLING_MAX];
	struct mdi_scan_match match;

	memcpy(joint, (const uint8_t *)bytes + length - kept, kept);
	for (size_t i = 0; i < MDI_COUNT(spellings); i++)
		for (size_t done = 1; done < spellings[i].length; done++) {
			size_t rest = spellings[i].length - done;

			memcpy(joint + kept, spellings[i].bytes + done, rest);
			if (!completes(joint, kept, kept + rest, kinds, &match))
				continue;
			*place = (struct mdi_scan_place){
				.kind = match.kind,
				.length = (uint32_t)(kept - match.at),
				.position = length - kept + match.at,
				.open = true,
			};
			memcpy(place->bytes, joint + match.at, place->length);
			return MODISO_ERR_GADGET;
		}
	return 0;
}
