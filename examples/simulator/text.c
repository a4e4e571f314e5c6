/* SPDX-License-Identifier: MIT */
#include "text.h"

static void add_byte(struct text *text, char byte)
{
	if (text->length < text->size)
		text->bytes[text->length++] = byte;
}

void text_add(struct text *text, const char *string)
{
	while (*string != '\0')
		add_byte(text, *string++);
}

void text_add_bytes(struct text *text, const uint8_t *bytes, uint32_t length)
{
	uint32_t i;

	/* What a device received is shown on a terminal: printable or a dot. */
	for (i = 0; i < length; i++)
		add_byte(text, bytes[i] >= ' ' && bytes[i] <= '~'
				       ? (char)bytes[i]
				       : '.');
}

void text_add_number(struct text *text, uint64_t number)
{
	char digits[20];
	unsigned count = 0;

	do {
		digits[count++] = (char)('0' + number % 10);
		number /= 10;
	} while (number != 0);
	while (count > 0)
		add_byte(text, digits[--count]);
}
