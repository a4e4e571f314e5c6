/* SPDX-License-Identifier: MIT */
/*
 * In the place of musl's memchr(), memcmp() and strlen(), which look at eight
 * bytes or at one at a time. What is read beside the bytes that were asked for
 * lies in the same 16, and so in the same page.
 */
#include <stdint.h>
#include <string.h>

typedef char vector __attribute__((vector_size(16), may_alias));
typedef char anywhere __attribute__((vector_size(16), aligned(1), may_alias));

/* A bit for each byte that is the same, the first one's the lowest. */
static unsigned same(vector a, vector b)
{
	return (unsigned)__builtin_ia32_pmovmskb128((vector)(a == b));
}

static vector sixteen(char byte)
{
	return (vector){byte, byte, byte, byte, byte, byte, byte, byte,
			byte, byte, byte, byte, byte, byte, byte, byte};
}

/* The first such byte; @n: how many bytes there are. */
static const char *find(const char *at, vector what, size_t n)
{
	const size_t before = (uintptr_t)at & (sizeof(vector) - 1);
	const char *end = n > UINTPTR_MAX - (uintptr_t)at ?
				  (const char *)UINTPTR_MAX : at + n;
	unsigned found;

	at -= before;
	found = same(*(const vector *)at, what) >> before << before;
	while (found == 0) {
		if ((size_t)(end - at) <= sizeof(vector))
			return NULL;
		at += sizeof(vector);
		found = same(*(const vector *)at, what);
	}
	at += __builtin_ctz(found);
	return at < end ? at : NULL;
}

void *memchr(const void *bytes, int byte, size_t n)
{
	return n == 0 ? NULL : (void *)find(bytes, sixteen((char)byte), n);
}

size_t strlen(const char *text)
{
	return (size_t)(find(text, sixteen(0), SIZE_MAX) - text);
}

/* Sixteen bytes of each. */
static int compare(const unsigned char *a, const unsigned char *b)
{
	const unsigned differ =
		same(*(const anywhere *)a, *(const anywhere *)b) ^ 0xffff;
	int i;

	if (differ == 0)
		return 0;
	i = __builtin_ctz(differ);
	return a[i] - b[i];
}

int memcmp(const void *one, const void *other, size_t n)
{
	const unsigned char *a = one, *b = other;
	int result = 0;

	if (n >= sizeof(vector)) {
		const size_t last = n - sizeof(vector);

		for (size_t i = 0; i < last && result == 0; i += sizeof(vector))
			result = compare(a + i, b + i);
		return result != 0 ? result : compare(a + last, b + last);
	}
	for (size_t i = 0; i < n && result == 0; i++)
		result = a[i] - b[i];
	return result;
}
