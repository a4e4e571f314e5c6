/* SPDX-License-Identifier: MIT */
/*
 * support/json.h - is this one JSON object, and what does it say?
 */
#ifndef TESTS_SUPPORT_JSON_H
#define TESTS_SUPPORT_JSON_H

#include <stdbool.h>
#include <stddef.h>

/* One value by RFC 8259, and nothing but white space behind it. */
bool json_valid(const char *text);

/*
 * json_has - does any string in @text, its escapes undone, equal @string?
 * @text: valid JSON.
 */
bool json_has(const char *text, const char *string);

#endif /* TESTS_SUPPORT_JSON_H */
