/* SPDX-License-Identifier: MIT */
/*
 * In the place of musl's memcpy() and memmove(), whose "rep movsq" has a start
 * of tens of cycles: compilers call memmove() for a few bytes. What is read at
 * both ends is read before anything is written, so that overlaps do not matter.
 */
#include <stdint.h>
#include <string.h>

#define LARGE 512 /* from here on the start is no matter */

typedef char vector __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint64_t eight __attribute__((aligned(1), may_alias));
typedef uint32_t four __attribute__((aligned(1), may_alias));
typedef uint16_t two __attribute__((aligned(1), may_alias));

#define MOVE_ENDS(type)                                                        \
	do {                                                                   \
		const type first = *(const type *)from;                        \
		const type last = *(const type *)(from + n - sizeof(type));    \
		*(type *)to = first;                                           \
		*(type *)(to + n - sizeof(type)) = last;                       \
	} while (0)

static void move_few(char *to, const char *from, size_t n)
{
	if (n >= sizeof(vector))
		MOVE_ENDS(vector);
	else if (n >= sizeof(eight))
		MOVE_ENDS(eight);
	else if (n >= sizeof(four))
		MOVE_ENDS(four);
	else if (n >= sizeof(two))
		MOVE_ENDS(two);
	else if (n == 1)
		*to = *from;
}

static void move_up(char *to, const char *from, size_t n)
{
	const vector last = *(const vector *)(from + n - sizeof(vector));
	char *end = to + n - sizeof(vector);

	for (; to < end; to += sizeof(vector), from += sizeof(vector))
		*(vector *)to = *(const vector *)from;
	*(vector *)end = last;
}

static void move_down(char *to, const char *from, size_t n)
{
	const vector first = *(const vector *)from;

	for (; n > sizeof(vector); n -= sizeof(vector))
		*(vector *)(to + n - sizeof(vector)) =
			*(const vector *)(from + n - sizeof(vector));
	*(vector *)to = first;
}

void *memmove(void *to, const void *from, size_t n)
{
	void *end = to;

	if (n <= 2 * sizeof(vector))
		move_few(to, from, n);
	else if ((uintptr_t)to - (uintptr_t)from < n)
		move_down(to, from, n);
	else if (n < LARGE)
		move_up(to, from, n);
	else
		__asm__ volatile("rep movsb"
				 : "+D"(end), "+S"(from), "+c"(n)
				 :
				 : "memory");
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	return memmove(to, from, n);
}
