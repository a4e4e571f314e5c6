/* SPDX-License-Identifier: MIT */
/*
 * contract/heap_user.h - modules with heaps, and blocks that either side takes
 * and gives back.
 */
#ifndef TESTS_CONTRACT_HEAP_USER_H
#define TESTS_CONTRACT_HEAP_USER_H

#include "support/world.h"

#include <stdlib.h>

#define HEAP ((size_t)1 << 20)

struct modiso_heap_info info_of(struct modiso_module *module);

struct modiso_module *heap_module(const char *name, size_t length);

struct modiso_module *world_heap(void);

void *take_block(struct modiso_module *module, size_t size);

void give_block(struct modiso_module *module, void *block);

size_t size_of(struct modiso_module *module, const void *block);

struct calls {
	void *(MODISO_CALL *malloc)(size_t);
	void *(MODISO_CALL *calloc)(size_t, size_t);
	void *(MODISO_CALL *realloc)(void *, size_t);
	void *(MODISO_CALL *aligned_alloc)(size_t, size_t);
	int (MODISO_CALL *free)(void *);
	size_t (MODISO_CALL *usable_size)(void *);
};

extern struct calls calls;

void serve_all(void);

#endif /* TESTS_CONTRACT_HEAP_USER_H */
