/* SPDX-License-Identifier: MIT */
/*
 * base/text.h - UTF-8 from anywhere.
 */
#ifndef MDI_BASE_TEXT_H
#define MDI_BASE_TEXT_H

#include "base/common.h"

/*
 * The bytes of the character that @text begins with, and its number in @code;
 * 0: it begins with none (a byte that is no UTF-8, a number that none may
 * have). Reads nothing behind a zero.
 */
static inline size_t mdi_text_character(const char *text, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *byte = (const unsigned char *)text;
	size_t length = byte[0] < 0x80             ? 1
			: (byte[0] & 0xe0) == 0xc0 ? 2
			: (byte[0] & 0xf0) == 0xe0 ? 3
			: (byte[0] & 0xf8) == 0xf0 ? 4
						   : 0;

	if (length == 0)
		return 0;
	*code = length == 1 ? byte[0] : byte[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (byte[i] & 0x3fu);
	}
	if (*code < least[length] || *code > 0x10ffff ||
	    (*code >= 0xd800 && *code < 0xe000))
		return 0;
	return length;
}

/* Not one that moves the cursor, hides, or turns the line's direction. */
static inline bool mdi_text_prints(uint32_t code)
{
	return (code >= 0x20 && code < 0x7f) ||
	       (code >= 0xa0 && code < 0x200b && code != 0xad &&
		code != 0x61c && code != 0x180e) ||
	       (code >= 0x2010 && code < 0x2028) ||
	       (code >= 0x202f && code < 0x2060) ||
	       (code >= 0x2070 && code < 0xe000) ||
	       (code >= 0xf900 && code < 0xfe00) ||
	       (code >= 0xfe10 && code < 0xfeff) ||
	       (code >= 0xff01 && code < 0xfff0) ||
	       (code >= 0x10000 && code < 0xe0000);
}

#endif /* MDI_BASE_TEXT_H */
