/* SPDX-License-Identifier: MIT */
#include "board_memory.h"

#include <windows.h>

#include <stdio.h>
#include <stdlib.h>

/* Where nothing is: what is free below 4 GiB only trying tells. */
static void *low_memory(size_t size)
{
	const uintptr_t step = 0x10000, end = 0x70000000;
	static uintptr_t next = 0x30000000;
	void *pages = NULL;

	for (; next < end && pages == NULL; next += step)
		pages = VirtualAlloc((void *)next, size,
				     MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
	return pages;
}

void *board_memory(void *where, size_t size)
{
	void *pages = where == NULL
			      ? low_memory(size)
			      : VirtualAlloc(where, size,
					     MEM_RESERVE | MEM_COMMIT,
					     PAGE_READWRITE);

	if (pages == NULL || (where != NULL && pages != where)) {
		fprintf(stderr, "the board's memory at %p: error %u\n", where,
			(unsigned)GetLastError());
		exit(EXIT_FAILURE);
	}
	return pages;
}
