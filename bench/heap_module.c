/* SPDX-License-Identifier: MIT */
/* heap_module.c - what bench_heap_batch.c loads; modiso-cc --heap makes it. */
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

void *malloc(size_t size);
void free(void *block);

EXPORT uintptr_t bench_pairs(uintptr_t rounds, size_t size)
{
	uintptr_t failed = 0;
	void *block;

	while (rounds-- > 0) {
		block = malloc(size);
		failed |= block == NULL;
		/* Else the compiler leaves both calls out. */
		__asm__ volatile("" : : "r"(block) : "memory");
		free(block);
	}
	return failed;
}
