/* SPDX-License-Identifier: MIT */
#include "json_string.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Bytes of the UTF-8 sequence at @text; 0 when it is none. */
static size_t sequence(const unsigned char *text)
{
	uint32_t value, least;
	size_t length;

	if (text[0] < 0x80)
		return 1;
	if (text[0] >= 0xc2 && text[0] < 0xe0)
		length = 2, least = 0x80, value = text[0] & 0x1f;
	else if (text[0] >= 0xe0 && text[0] < 0xf0)
		length = 3, least = 0x800, value = text[0] & 0xf;
	else if (text[0] >= 0xf0 && text[0] < 0xf5)
		length = 4, least = 0x10000, value = text[0] & 0x7;
	else
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (text[i] & 0x3f);
	}
	if (value < least || value > 0x10ffff ||
	    (value >= 0xd800 && value <= 0xdfff))
		return 0;
	return length;
}

void json_string(const char *string)
{
	const unsigned char *text = (const unsigned char *)string;
	size_t length;

	putchar('"');
	for (; *text != '\0'; text += length) {
		length = sequence(text);
		if (length == 0 || *text < ' ' || *text == 0x7f) {
			printf("\\u%04x", *text);
			length = 1;
		} else if (*text == '"' || *text == '\\') {
			printf("\\%c", *text);
		} else {
			fwrite(text, 1, length, stdout);
		}
	}
	putchar('"');
}
