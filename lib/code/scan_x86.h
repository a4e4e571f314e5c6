/* SPDX-License-Identifier: MIT */
/*
 * code/scan_x86.h - forbidden encodings in one run of bytes.
 */
#ifndef MDI_CODE_SCAN_X86_H
#define MDI_CODE_SCAN_X86_H

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

#endif /* MDI_CODE_SCAN_X86_H */
