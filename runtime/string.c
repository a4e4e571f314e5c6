/* SPDX-License-Identifier: MIT */
/* Strings for modules: what parsers and drivers use of <string.h>. */
#include <stddef.h>
#include <stdint.h>

size_t strlen(const char *text);
size_t strnlen(const char *text, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t max);
char *strchr(const char *text, int value);
char *strrchr(const char *text, int value);
char *strcpy(char *restrict to, const char *restrict from);
char *strncpy(char *restrict to, const char *restrict from, size_t max);
char *strcat(char *restrict to, const char *restrict from);

size_t strlen(const char *text)
{
	const char *end = text;

	while (*end != '\0')
		end++;
	return (size_t)(end - text);
}

size_t strnlen(const char *text, size_t max)
{
	size_t length = 0;

	while (length < max && text[length] != '\0')
		length++;
	return length;
}

int strcmp(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t max)
{
	for (; max > 0; max--, a++, b++)
		if (*a != *b || *a == '\0')
			return (unsigned char)*a - (unsigned char)*b;
	return 0;
}

char *strchr(const char *text, int value)
{
	for (;; text++) {
		if (*text == (char)value)
			return (char *)(uintptr_t)text;
		if (*text == '\0')
			return NULL;
	}
}

char *strrchr(const char *text, int value)
{
	char *last = NULL;

	for (;; text++) {
		if (*text == (char)value)
			last = (char *)(uintptr_t)text;
		if (*text == '\0')
			return last;
	}
}

char *strcpy(char *restrict to, const char *restrict from)
{
	char *out = to;

	while ((*out++ = *from++) != '\0')
		;
	return to;
}

char *strncpy(char *restrict to, const char *restrict from, size_t max)
{
	size_t i = 0;

	for (; i < max && from[i] != '\0'; i++)
		to[i] = from[i];
	for (; i < max; i++)
		to[i] = '\0';
	return to;
}

char *strcat(char *restrict to, const char *restrict from)
{
	strcpy(to + strlen(to), from);
	return to;
}
