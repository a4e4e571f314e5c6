/* SPDX-License-Identifier: MIT */
/*
 * malloc() and free() in front of musl's: a small block that is freed waits
 * here for who wants as much next. musl would join it to what is free beside
 * it, and split that again; a parser frees a block for each that it takes.
 *
 * A block lies in a chunk: the chunk's size, with bit 0 set, is in front of the
 * block, and once more behind it, where the next chunk begins. Those of pages
 * of their own have no such bit.
 */
#include <stdint.h>
#include <stdlib.h>

#define UNIT  32 /* of chunks */
#define HEAD  16 /* of a chunk that is not the block's */
#define SIZES 33 /* of chunks that wait, up to 1024 bytes */
#define MOST  32 /* of each size */
#define MARK  ((uintptr_t)kept)

struct waiting {
	struct waiting *next;
	uintptr_t mark; /* MARK: perhaps it waits */
};

static struct {
	struct waiting *first;
	unsigned count;
} kept[SIZES];

void *__libc_malloc_impl(size_t size);
void __libc_free(void *block);

static struct waiting *take(size_t which)
{
	struct waiting *block = kept[which].first;

	if (block == NULL)
		return NULL;
	kept[which].first = block->next;
	kept[which].count--;
	block->mark = 0;
	return block;
}

/* All that waits, where there is no more memory. Was there any? */
static int give_all(void)
{
	struct waiting *block;
	int any = 0;

	for (size_t i = 0; i < SIZES; i++)
		while ((block = take(i)) != NULL) {
			__libc_free(block);
			any = 1;
		}
	return any;
}

void *malloc(size_t size)
{
	void *block = NULL;

	if (size <= (SIZES - 1) * UNIT - HEAD)
		block = take((size + HEAD + UNIT - 1) / UNIT);
	if (block == NULL)
		block = __libc_malloc_impl(size);
	if (block == NULL && give_all())
		block = __libc_malloc_impl(size);
	return block;
}

/* Freed twice is a fault. */
static void look_for(const struct waiting *block, size_t which)
{
	for (struct waiting *at = kept[which].first; at != NULL; at = at->next)
		if (at == block)
			__builtin_trap();
}

void free(void *freed)
{
	struct waiting *block = freed;
	size_t chunk, which;

	if (freed == NULL)
		return;
	chunk = ((const size_t *)freed)[-1];
	which = chunk / UNIT;
	if (chunk % UNIT != 1 || which >= SIZES || kept[which].count == MOST) {
		__libc_free(freed);
		return;
	}
	/* So is what was written behind its end. */
	if (*(const size_t *)((const char *)freed + chunk - 1 - HEAD) != chunk)
		__builtin_trap();
	if (block->mark == MARK)
		look_for(block, which);
	block->next = kept[which].first;
	block->mark = MARK;
	kept[which].first = block;
	kept[which].count++;
}
