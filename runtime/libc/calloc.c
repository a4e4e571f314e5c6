/* SPDX-License-Identifier: MIT */
/*
 * In the place of musl's calloc(), which takes large blocks for zeros: malloc()
 * asks for pages as they are (mmap.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void *calloc(size_t count, size_t size)
{
	size_t bytes;
	void *block;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	block = malloc(bytes);
	return block != NULL ? memset(block, 0, bytes) : NULL;
}
