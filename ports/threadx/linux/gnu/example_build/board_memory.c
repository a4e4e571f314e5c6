/* SPDX-License-Identifier: MIT */
#include "board_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

void *board_memory(void *where, size_t size)
{
	void *pages = mmap(where, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS |
				   (where != NULL ? MAP_FIXED_NOREPLACE
						  : MAP_32BIT),
			   -1, 0);

	if (pages == MAP_FAILED || (where != NULL && pages != where)) {
		perror("the board's memory");
		exit(EXIT_FAILURE);
	}
	return pages;
}
