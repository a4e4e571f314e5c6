/* SPDX-License-Identifier: MIT */
/* Code that ends within an instruction. */
#include "code/scan.h"

#include <modiso/error.h>

#include <string.h>

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
	uint8_t joint[MDI_SCAN_REACH + MDI_SCAN_SPELLING];
	struct mdi_scan_match match;

	memcpy(joint, (const uint8_t *)bytes + length - kept, kept);
	for (const struct mdi_scan_spelling *one = mdi_scan_spellings;
	     one->length != 0; one++)
		for (size_t done = 1; done < one->length; done++) {
			size_t rest = one->length - done;

			memcpy(joint + kept, one->bytes + done, rest);
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
