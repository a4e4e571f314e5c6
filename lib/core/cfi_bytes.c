/* SPDX-License-Identifier: MIT */
#include "core/cfi.h"

#include "core/range.h"

#include <string.h>

/* How an address is written: DW_EH_PE_... of the Linux Standard Base. */
#define FORM     0x0f
#define RELATIVE_TO 0x70
#define TO_PC    0x10
#define TO_DATA  0x30
#define OMITTED  0xff

void mdi_cfi_bytes(struct mdi_cfi_bytes *bytes, const struct mdi_cfi *cfi,
		   uintptr_t at, uintptr_t end)
{
	bytes->cfi = cfi;
	bytes->at = at;
	bytes->end = end < cfi->end ? end : cfi->end;
	bytes->from = 0;
	bytes->have = 0;
	bytes->bad = at < cfi->base || at > bytes->end;
}

/* By the copy that may fault: the file can have become shorter. */
static bool fill(struct mdi_cfi_bytes *bytes)
{
	size_t left = bytes->end - bytes->at;

	if (bytes->bad || bytes->at >= bytes->end)
		return false;
	if (left > sizeof(bytes->buffer))
		left = sizeof(bytes->buffer);
	if (mdi_range_copy(bytes->buffer, (const void *)bytes->at, left,
			   (const void *)bytes->at) != 0)
		return false;
	bytes->from = bytes->at;
	bytes->have = left;
	return true;
}

uint8_t mdi_cfi_byte_beyond(struct mdi_cfi_bytes *bytes)
{
	if (!fill(bytes)) {
		bytes->bad = true;
		return 0;
	}
	return bytes->buffer[bytes->at++ - bytes->from];
}

uint64_t mdi_cfi_number_beyond(struct mdi_cfi_bytes *bytes, unsigned size)
{
	if (!fill(bytes) || size > bytes->have) {
		bytes->bad = true;
		return 0;
	}
	return mdi_cfi_number(bytes, size);
}

/* The sign of the last byte is extended for those who mean it. */
uint64_t mdi_cfi_leb(struct mdi_cfi_bytes *bytes, uint8_t first, bool with_sign)
{
	uint64_t value = first & 0x7f;
	unsigned shift = 7;
	uint8_t byte = first;

	while (byte & 0x80) {
		byte = mdi_cfi_byte(bytes);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	}
	if (with_sign && byte & 0x40 && shift < 64)
		value |= ~(uint64_t)0 << shift;
	return value;
}

void mdi_cfi_skip(struct mdi_cfi_bytes *bytes, uint64_t count)
{
	if (count > bytes->end - bytes->at)
		bytes->bad = true;
	else
		bytes->at += count;
}

uintptr_t mdi_cfi_pointer(struct mdi_cfi_bytes *bytes, uint8_t how,
			  uintptr_t data)
{
	uintptr_t base = (how & RELATIVE_TO) == TO_PC     ? bytes->at
			 : (how & RELATIVE_TO) == TO_DATA ? data
						       : 0;

	if (how == OMITTED)
		return 0;
	switch (how & FORM) {
	case 0x00:
	case 0x04:
	case 0x0c:
		return base + mdi_cfi_number(bytes, 8);
	case 0x01:
		return base + mdi_cfi_uleb(bytes);
	case 0x02:
		return base + mdi_cfi_number(bytes, 2);
	case 0x03:
		return base + mdi_cfi_number(bytes, 4);
	case 0x09:
		return base + (uintptr_t)mdi_cfi_sleb(bytes);
	case 0x0a:
		return base + (uintptr_t)(int16_t)mdi_cfi_number(bytes, 2);
	case 0x0b:
		return base + (uintptr_t)(int32_t)mdi_cfi_number(bytes, 4);
	default:
		bytes->bad = true;
		return 0;
	}
}
