/* SPDX-License-Identifier: MIT */
/* Takes blocks and gives them back; modiso-cc --heap makes it. */
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);
void free(void *block);

EXPORT void *take(size_t size)
{
	return malloc(size);
}

EXPORT void *take_zeros(size_t count, size_t size)
{
	return calloc(count, size);
}

EXPORT void *resize(void *block, size_t size)
{
	return realloc(block, size);
}

EXPORT void give(void *block)
{
	free(block);
}

/* Returns how often there was none. */
EXPORT uintptr_t pairs(uintptr_t rounds, size_t size)
{
	uintptr_t bad = 0;
	void *block;

	while (rounds-- > 0) {
		block = malloc(size);
		bad += block == NULL;
		__asm__ volatile("" : : "r"(block) : "memory");
		free(block);
	}
	return bad;
}

#define LIVE 64

static int is_filled(const unsigned char *block, size_t size,
		     unsigned char mark)
{
	for (size_t i = 0; i < size; i++)
		if (block[i] != mark)
			return 0;
	return 1;
}

/* Blocks of all sizes; returns how many did not hold what was put in. */
EXPORT uintptr_t churn(uintptr_t rounds, uintptr_t mark, size_t most)
{
	unsigned char *live[LIVE] = {NULL};
	size_t sizes[LIVE] = {0};
	uint64_t seed = mark;
	uintptr_t bad = 0;
	size_t n, i;

	for (; rounds > 0; rounds--) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		n = (seed >> 33) % LIVE;
		if (live[n] != NULL) {
			bad += !is_filled(live[n], sizes[n],
					  (unsigned char)mark);
			free(live[n]);
			live[n] = NULL;
			continue;
		}
		sizes[n] = 1 + (seed >> 40) % most;
		live[n] = malloc(sizes[n]);
		if (live[n] == NULL)
			return rounds << 32;
		for (i = 0; i < sizes[n]; i++)
			live[n][i] = (unsigned char)mark;
	}
	for (n = 0; n < LIVE; n++) {
		bad += live[n] != NULL && !is_filled(live[n], sizes[n],
						     (unsigned char)mark);
		free(live[n]);
	}
	return bad;
}

static void **all;

/* Takes what there is; returns how many. */
EXPORT uintptr_t hoard(size_t size)
{
	uintptr_t count = 0;
	void **block;

	while ((block = malloc(size)) != NULL) {
		*block = all;
		all = block;
		count++;
	}
	return count;
}

EXPORT void give_hoard(void)
{
	void **block;

	while ((block = all) != NULL) {
		all = *block;
		free(block);
	}
}
