/* SPDX-License-Identifier: MIT */
/*
 * text.h - build a short text in a buffer of one's own.
 *
 * For device models: nothing here allocates, takes a lock or looks at a
 * locale, so it works in a module that may touch nothing but its regions.
 */
#ifndef SIMULATOR_TEXT_H
#define SIMULATOR_TEXT_H

#include <stdint.h>

struct text {
	char *bytes;
	uint32_t size;   /* of the buffer */
	uint32_t length; /* so far; no final zero is kept */
};

/* Each adds what fits and drops the rest. */
void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const uint8_t *bytes, uint32_t length);
void text_add_number(struct text *text, uint64_t number);

#endif /* SIMULATOR_TEXT_H */
