/* SPDX-License-Identifier: MIT */
/*
 * arch/forbidden.h - the instructions that no module may have, whose kinds
 * <modiso/scan.h> names: where one run of bytes has an encoding of one.
 */
#ifndef MDI_ARCH_FORBIDDEN_H
#define MDI_ARCH_FORBIDDEN_H

#include "base/common.h"

#include <modiso/scan.h>

/*
 * How far back from its last byte an encoding can begin: f3, eleven more
 * prefixes, 0f ae and a ModRM byte are the fifteen bytes that an instruction
 * may have.
 */
#define MDI_SCAN_REACH 14

struct mdi_scan_match {
	uint32_t kind; /* one MODISO_SCAN_* bit */
	uint32_t length;
	size_t at; /* index of the first byte */
};

/*
 * Find the next encoding whose last byte is at @from or later. All @length
 * bytes may be looked at. Returns the index to go on from, that is one past
 * the last byte of what was found, or 0 when there is none.
 */
size_t mdi_scan_next(const uint8_t *bytes, size_t length, size_t from,
		     uint32_t kinds, struct mdi_scan_match *match);

/*
 * One spelling of each: where the bytes at hand begin another one, with its
 * prefixes or another payload, they have what differs. The last one has the
 * length 0.
 */
#define MDI_SCAN_SPELLING 5

struct mdi_scan_spelling {
	uint8_t length;
	uint8_t bytes[MDI_SCAN_SPELLING];
};

extern const struct mdi_scan_spelling mdi_scan_spellings[];

#endif /* MDI_ARCH_FORBIDDEN_H */
