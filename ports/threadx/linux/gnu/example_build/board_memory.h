/* SPDX-License-Identifier: MIT */
/*
 * board_memory.h - memory where a board has it, below 4 GiB.
 */
#ifndef BOARD_MEMORY_H
#define BOARD_MEMORY_H

#include <stddef.h>

/* Whole pages at @where; NULL: anywhere. Ends the program when it cannot. */
void *board_memory(void *where, size_t size);

#endif /* BOARD_MEMORY_H */
