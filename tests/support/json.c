/* SPDX-License-Identifier: MIT */
#include "support/json.h"

#include <stdlib.h>
#include <string.h>

/* Where the parser is; NULL once it has met what is no JSON. */
typedef const char *place;

static place value(place at, const char *wanted, bool *found);

static place blank(place at)
{
	return at ? at + strspn(at, " \t\r\n") : NULL;
}

static place literal(place at, const char *word)
{
	at = blank(at);
	return at && !strncmp(at, word, strlen(word)) ? at + strlen(word)
						      : NULL;
}

static int hex4(place at)
{
	char digits[5] = "";

	memcpy(digits, at, strnlen(at, 4));
	if (strspn(digits, "0123456789abcdefABCDEF") != 4)
		return -1;
	return (int)strtol(digits, NULL, 16);
}

/* The character behind a backslash; 0: none that JSON knows. */
static char escaped(char c)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *which = c ? strchr(from, c) : NULL;

	return which ? to[which - from] : 0;
}

static place string(place at, const char *wanted, bool *found)
{
	char text[512];
	size_t length = 0;
	int code;

	at = literal(at, "\"");
	while (at && *at != '"') {
		char c = *at++;

		if ((unsigned char)c < 0x20)
			return NULL;
		if (c == '\\' && *at == 'u') {
			code = hex4(++at);
			if (code < 0)
				return NULL;
			at += 4;
			c = code < 128 ? (char)code : '?';
		} else if (c == '\\') {
			c = escaped(*at++);
			if (!c)
				return NULL;
		}
		if (length < sizeof(text) - 1)
			text[length++] = c;
	}
	if (!at)
		return NULL;
	text[length] = '\0';
	if (wanted && !strcmp(text, wanted))
		*found = true;
	return at + 1;
}

static place number(place at)
{
	size_t digits;

	at += *at == '-';
	digits = strspn(at, "0123456789");
	if (!digits || (digits > 1 && *at == '0'))
		return NULL;
	at += digits;
	if (*at == '.') {
		digits = strspn(++at, "0123456789");
		if (!digits)
			return NULL;
		at += digits;
	}
	if (*at == 'e' || *at == 'E') {
		at++;
		at += *at == '-' || *at == '+';
		digits = strspn(at, "0123456789");
		if (!digits)
			return NULL;
		at += digits;
	}
	return at;
}

/* Members up to @end: with names in an object, without in an array. */
static place members(place at, const char *end, const char *wanted, bool *found)
{
	if (literal(at, end))
		return literal(at, end);
	for (;;) {
		if (*end == '}')
			at = literal(string(at, wanted, found), ":");
		at = value(at, wanted, found);
		if (literal(at, end))
			return literal(at, end);
		at = literal(at, ",");
		if (!at)
			return NULL;
	}
}

static place value(place at, const char *wanted, bool *found)
{
	at = blank(at);
	if (!at)
		return NULL;
	switch (*at) {
	case '{':
		return members(at + 1, "}", wanted, found);
	case '[':
		return members(at + 1, "]", wanted, found);
	case '"':
		return string(at, wanted, found);
	case 't':
		return literal(at, "true");
	case 'f':
		return literal(at, "false");
	case 'n':
		return literal(at, "null");
	default:
		return number(at);
	}
}

bool json_valid(const char *text)
{
	bool found = false;
	place end = blank(value(text, NULL, &found));

	return end && !*end;
}

bool json_has(const char *text, const char *wanted)
{
	bool found = false;

	return value(text, wanted, &found) && found;
}
