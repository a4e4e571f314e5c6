/* SPDX-License-Identifier: MIT */
/*
 * What module code calls of its heap, by way of services: malloc() and its kind
 */
#include "core/heap.h"

#include "core/caller.h"
#include "core/frames.h"

/* Blocks that are looked at together. */
#define BATCH 64u
/*
 * No time limit ends a service, and a list that fills a module's memory, of
 * what are no blocks, would take as long as a thousand limits.
 */
#define GIVE_MAX 4096u

static struct modiso_module *caller(void)
{
	struct modiso_module *module = mdi_frames_module();

	return module != NULL && module->heap != NULL ? module : NULL;
}

static void *alloc_for_caller(size_t size, size_t align, bool zero)
{
	struct modiso_module *module = caller();
	void *block;

	if (module == NULL ||
	    mdi_heap_alloc(module, size, align, zero, &block) != 0)
		return NULL;
	return block;
}

MODISO_CALL static void *heap_malloc(size_t size)
{
	return alloc_for_caller(size, 1, false);
}

MODISO_CALL static void *heap_calloc(size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	return alloc_for_caller(bytes, 1, true);
}

MODISO_CALL static void *heap_realloc(void *block, size_t size)
{
	struct modiso_module *module = caller();
	void *got;

	if (module == NULL || mdi_heap_resize(module, block, size, &got) != 0)
		return NULL;
	return got;
}

MODISO_CALL static void *heap_aligned_alloc(size_t align, size_t size)
{
	if (align == 0 || align & (align - 1))
		return NULL;
	return alloc_for_caller(size, align, false);
}

MODISO_CALL static int heap_free(void *block)
{
	struct modiso_module *module = caller();

	return module != NULL ? mdi_heap_give(module, block) :
				MODISO_ERR_STATE;
}

MODISO_CALL static size_t heap_usable_size(void *block)
{
	struct modiso_module *module = caller();
	size_t size;

	if (block == NULL || module == NULL ||
	    mdi_heap_size(module, block, &size) != 0)
		return 0;
	return size;
}

static void give_batch(struct modiso_module *module, uintptr_t list,
		       size_t count)
{
	void *blocks[BATCH];
	size_t now;

	for (; count > 0; count -= now, list += now * sizeof(*blocks)) {
		now = count < BATCH ? count : BATCH;
		mdi_caller_read(blocks, list, now * sizeof(*blocks));
		for (size_t i = 0; i < now; i++)
			(void)mdi_heap_give(module, blocks[i]);
	}
}

static size_t take_batch(struct modiso_module *module, uintptr_t list,
			 size_t count, size_t size)
{
	void *blocks[BATCH];
	uintptr_t bad = list;
	size_t got = 0;

	if (count > BATCH)
		count = BATCH;
	while (got < count && mdi_heap_alloc(module, size, 1, false,
					     &blocks[got]) == 0)
		got++;
	if (got == 0 || mdi_caller_try_write(module, list, blocks,
					     got * sizeof(*blocks), &bad) == 0)
		return got;
	while (got > 0)
		(void)mdi_heap_give(module, blocks[--got]);
	mdi_caller_end(MODISO_FAULT_ACCESS, bad);
}

/* The first @give of the list go back, and as many as can be had go there. */
MODISO_CALL static size_t heap_batch(uintptr_t list, size_t give, size_t take,
				     size_t size)
{
	struct modiso_module *module = caller();

	if (module == NULL)
		return 0;
	if (give > GIVE_MAX)
		mdi_caller_end(MODISO_FAULT_ACCESS,
			       list + GIVE_MAX * sizeof(void *));
	give_batch(module, list, give);
	return take > 0 ? take_batch(module, list, take, size) : 0;
}

modiso_fn mdi_heap_function(enum modiso_heap_function which)
{
	switch (which) {
	case MODISO_HEAP_MALLOC:
		return (modiso_fn)heap_malloc;
	case MODISO_HEAP_CALLOC:
		return (modiso_fn)heap_calloc;
	case MODISO_HEAP_REALLOC:
		return (modiso_fn)heap_realloc;
	case MODISO_HEAP_ALIGNED_ALLOC:
		return (modiso_fn)heap_aligned_alloc;
	case MODISO_HEAP_FREE:
		return (modiso_fn)heap_free;
	case MODISO_HEAP_USABLE_SIZE:
		return (modiso_fn)heap_usable_size;
	case MODISO_HEAP_BATCH:
		return (modiso_fn)heap_batch;
	}
	return NULL;
}
