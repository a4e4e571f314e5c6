/* SPDX-License-Identifier: MIT */
/*
 * Memory functions for modules. Compilers call these by themselves, so they
 * must not be compiled into calls of themselves (-fno-tree-loop-distribute-
 * patterns, -fno-builtin in Makefile.am).
 */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t length);
void *memmove(void *to, const void *from, size_t length);
void *memset(void *to, int value, size_t length);
int memcmp(const void *a, const void *b, size_t length);
void *memchr(const void *memory, int value, size_t length);

void *memcpy(void *restrict to, const void *restrict from, size_t length)
{
	void *end = to;

	__asm__ volatile("rep movsb"
			 : "+D"(end), "+S"(from), "+c"(length)
			 :
			 : "memory");
	return to;
}

void *memmove(void *to, const void *from, size_t length)
{
	unsigned char *out = to;
	const unsigned char *in = from;

	if ((uintptr_t)out - (uintptr_t)in >= length)
		return memcpy(to, from, length);
	while (length-- > 0)
		out[length] = in[length];
	return to;
}

void *memset(void *to, int value, size_t length)
{
	void *end = to;

	__asm__ volatile("rep stosb"
			 : "+D"(end), "+c"(length)
			 : "a"(value)
			 : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t length)
{
	const unsigned char *x = a, *y = b;

	for (; length > 0; length--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

void *memchr(const void *memory, int value, size_t length)
{
	const unsigned char *at = memory;

	for (; length > 0; length--, at++)
		if (*at == (unsigned char)value)
			return (void *)(uintptr_t)at;
	return NULL;
}
