/* SPDX-License-Identifier: MIT */
/*
 * In the place of musl's memcpy() and memmove(), whose "rep movsq" has a start
 * of tens of cycles: compilers call memmove() for a few bytes. What is read at
 * both ends is read before anything is written, so that overlaps do not matter.
 */
#include <stdint.h>
#include <string.h>

/* From here on the start is no matter, unless both are near each other. */
#define LARGE 1024

typedef char vector __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint64_t eight __attribute__((aligned(1), may_alias));
typedef uint32_t four __attribute__((aligned(1), may_alias));
typedef uint16_t two __attribute__((aligned(1), may_alias));

struct vectors {
	vector of[4];
};

#define MOVE_ENDS(type)                                                        \
	do {                                                                   \
		const type first = *(const type *)from;                        \
		const type last = *(const type *)(from + n - sizeof(type));    \
		*(type *)to = first;                                           \
		*(type *)(to + n - sizeof(type)) = last;                       \
	} while (0)

static inline struct vectors load(const char *from)
{
	const vector *at = (const vector *)from;

	return (struct vectors){{at[0], at[1], at[2], at[3]}};
}

static inline void store(char *to, struct vectors these)
{
	for (int i = 0; i < 4; i++)
		((vector *)to)[i] = these.of[i];
}

static void move_few(char *to, const char *from, size_t n)
{
	if (n >= sizeof(eight))
		MOVE_ENDS(eight);
	else if (n >= sizeof(four))
		MOVE_ENDS(four);
	else if (n >= sizeof(two))
		MOVE_ENDS(two);
	else if (n == 1)
		*to = *from;
}

/* Two or four vectors: without a loop. */
static inline void move_some(char *to, const char *from, size_t n)
{
	const vector *at = (const vector *)from;
	const vector *end = (const vector *)(from + n);
	const vector first = at[0], last = end[-1];
	vector second, third;

	if (n > 2 * sizeof(vector)) {
		second = at[1];
		third = end[-2];
		((vector *)to)[1] = second;
		((vector *)(to + n))[-2] = third;
	}
	((vector *)to)[0] = first;
	((vector *)(to + n))[-1] = last;
}

static void move_up(char *to, const char *from, size_t n)
{
	const struct vectors last = load(from + n - sizeof(last));
	char *end = to + n - sizeof(last);

	for (; to < end; to += sizeof(last), from += sizeof(last))
		store(to, load(from));
	store(end, last);
}

static void move_down(char *to, const char *from, size_t n)
{
	const struct vectors first = load(from);

	for (; n > sizeof(first); n -= sizeof(first))
		store(to + n - sizeof(first), load(from + n - sizeof(first)));
	store(to, first);
}

void *memmove(void *to, const void *from, size_t n)
{
	const size_t up = (uintptr_t)to - (uintptr_t)from;
	void *end = to;

	if (n < sizeof(vector))
		move_few(to, from, n);
	else if (n <= sizeof(struct vectors))
		move_some(to, from, n);
	else if (up < n)
		move_down(to, from, n);
	else if (n < LARGE || -up < n)
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
