/* SPDX-License-Identifier: MIT */
#include "core/heap.h"

#include "base/error.h"
#include "core/frames.h"
#include "core/range.h"
#include "core/state.h"
#include "core/thread.h"
#include "core/vault.h"
#include "os/critical.h"
#include "os/file.h"
#include "os/lock.h"
#include "os/memory.h"

static struct mdi_heap_state *const own = &mdi_core_state.heap;

void mdi_heap_lock(const struct modiso_module *module)
{
	mdi_critical_begin();
	mdi_lock(&own->locks[module->id % MDI_HEAP_LOCKS]);
}

void mdi_heap_unlock(const struct modiso_module *module)
{
	mdi_unlock(&own->locks[module->id % MDI_HEAP_LOCKS]);
	mdi_critical_end();
}

void mdi_heaps_before_fork(void)
{
	for (unsigned i = 0; i < MDI_HEAP_LOCKS; i++)
		mdi_lock(&own->locks[i]);
}

void mdi_heaps_after_fork(void)
{
	for (unsigned i = MDI_HEAP_LOCKS; i-- > 0;)
		mdi_unlock(&own->locks[i]);
}

/* --- the heap as a whole --- */

int mdi_heap_create(struct modiso_module *module, size_t length, uint32_t flags,
		    const char *name)
{
	size_t pages = length / MDI_PAGE_SIZE;
	struct mdi_heap *heap;
	size_t room = 0;
	int result;

	if (module->heap != NULL)
		return mdi_fail(MODISO_ERR_STATE, "module %s has a heap",
				module->name);
	if (pages > MDI_BLOCK_PAGES_MAX)
		return mdi_fail(MODISO_ERR_INVAL,
				"a heap of %zu bytes; the largest has 8 TiB",
				length);
	heap = mdi_vault_alloc(sizeof(*heap));
	if (heap == NULL)
		return mdi_fail_memory("a heap");
	/* It cannot wrap: a record is smaller than its page. */
	(void)mdi_page_round(mdi_blocks_room(pages), &room);
	heap->area = mdi_vault_map(room);
	if (heap->area == NULL) {
		result = mdi_fail_memory("the records of a heap of %zu bytes",
					 length);
		goto free_heap;
	}
	result = mdi_region_create(module, length, MODISO_READ | MODISO_WRITE,
				   MODISO_READ | MODISO_WRITE,
				   flags, name, &heap->region);
	if (result != 0)
		goto unmap;
	heap->region->heap = true;
	heap->blocks = (void *)heap->area->base;
	mdi_blocks_init(heap->blocks, pages, heap->region->node.base);
	module->heap = heap;
	return 0;

unmap:
	mdi_vault_unmap(heap->area);
free_heap:
	mdi_vault_free(heap, sizeof(*heap));
	return result;
}

void mdi_heap_free(struct modiso_module *module)
{
	struct mdi_heap *heap = module->heap;

	if (heap == NULL)
		return;
	module->heap = NULL;
	mdi_vault_unmap(heap->area);
	mdi_vault_free(heap, sizeof(*heap));
}

int mdi_heap_destroy(struct modiso_module *module)
{
	int result;

	if (mdi_threads_inside(&module->domain))
		return mdi_fail(MODISO_ERR_BUSY, "a thread is inside module %s",
				module->name);
	result = mdi_region_destroy(module->heap->region);
	if (result == 0)
		mdi_heap_free(module);
	return result;
}

int mdi_heap_map(struct modiso_module *module, int fd, uint64_t offset)
{
	struct mdi_heap *heap = module->heap;
	void *pages = mdi_file_map_away(heap->area->length, fd, offset);

	if (pages == NULL)
		return mdi_fail_os("mmap", "the heap of module %s",
				   module->name);
	if (mdi_backend_protect_own(mdi_backend_now, pages,
				    heap->area->length, MDI_OWN_CLOSED) != 0) {
		mdi_mem_release(pages, heap->area->length);
		return MODISO_ERR_OS;
	}
	/* In one step: other threads may look at it, as at all of the vault. */
	if (mdi_mem_move(pages, heap->area->length, heap->blocks) != 0) {
		mdi_mem_release(pages, heap->area->length);
		return mdi_fail_os("mremap", "the heap of module %s",
				   module->name);
	}
	heap->filed = true;
	return 0;
}

int mdi_heap_rewind(const struct modiso_module *module)
{
	const struct mdi_heap *heap = module->heap;

	if (heap == NULL || !heap->filed)
		return 0;
	if (mdi_mem_discard(heap->blocks, heap->area->length) != 0)
		return mdi_fail_os("madvise", "the heap of module %s",
				   module->name);
	return 0;
}

/* --- blocks --- */

static char *base_of(const struct mdi_heap *heap)
{
	return (char *)heap->region->node.base;
}

/* Is it anywhere in the heap? */
static bool offset_of(const struct mdi_heap *heap, const void *block,
		      size_t *offset)
{
	*offset = (size_t)((uintptr_t)block - heap->region->node.base);
	return *offset < heap->region->node.end - heap->region->node.base;
}

static int full(const struct modiso_module *module, size_t size)
{
	const struct mdi_heap *heap = module->heap;

	return mdi_fail(MODISO_ERR_LIMIT,
			"no room for %zu bytes in the heap of module %s: %llu "
			"of %zu are in use",
			size, module->name,
			(unsigned long long)heap->blocks->used,
			(size_t)(heap->region->node.end -
				 heap->region->node.base));
}

/* Counts, because a module's own free() tells nobody. The lock is held. */
static int refuse(const struct modiso_module *module, const void *block,
		  enum mdi_block_answer answer, bool outside)
{
	module->heap->refused++;
	if (outside)
		return mdi_fail(MODISO_ERR_ACCESS,
				"%p is not in the heap of module %s", block,
				module->name);
	if (answer == MDI_BLOCK_INSIDE)
		return mdi_fail(MODISO_ERR_INVAL,
				"%p is inside of a block of module %s, not its "
				"beginning",
				block, module->name);
	return mdi_fail(MODISO_ERR_NOENT,
			"no block of module %s that is in use begins at %p; "
			"was it freed before?",
			module->name, block);
}

static int fill_zero(const struct modiso_region *region, char *to, size_t size)
{
	static const char zeros[MDI_PAGE_SIZE];
	size_t piece;
	int result;

	for (; size > 0; size -= piece, to += piece) {
		piece = size < sizeof(zeros) ? size : sizeof(zeros);
		result = mdi_range_copy_within(region, to, zeros, piece);
		if (result != 0)
			return result;
	}
	return 0;
}

int mdi_heap_alloc(struct modiso_module *module, size_t size, size_t align,
		   bool zero, void **out)
{
	const struct mdi_heap *heap = module->heap;
	enum mdi_block_answer answer;
	size_t offset = 0;
	int result = 0;

	if (size == 0)
		size = 1;
	mdi_heap_lock(module);
	answer = mdi_blocks_take(heap->blocks, size, align, &offset);
	if (answer != MDI_BLOCK_OK)
		result = full(module, size);
	mdi_heap_unlock(module);
	if (result != 0)
		return result;
	if (zero) {
		result = fill_zero(heap->region, base_of(heap) + offset, size);
		if (result != 0) {
			mdi_heap_give(module, base_of(heap) + offset);
			return result;
		}
	}
	*out = base_of(heap) + offset;
	return 0;
}

int mdi_heap_give(struct modiso_module *module, void *block)
{
	struct mdi_heap *heap = module->heap;
	enum mdi_block_answer answer = MDI_BLOCK_OK;
	size_t offset;
	bool inside;
	int result = 0;

	if (block == NULL)
		return 0;
	mdi_heap_lock(module);
	inside = offset_of(heap, block, &offset);
	if (inside)
		answer = mdi_blocks_give(heap->blocks, offset);
	if (!inside || answer != MDI_BLOCK_OK)
		result = refuse(module, block, answer, !inside);
	mdi_heap_unlock(module);
	return result;
}

int mdi_heap_size(struct modiso_module *module, const void *block, size_t *size)
{
	const struct mdi_heap *heap = module->heap;
	enum mdi_block_answer answer = MDI_BLOCK_OK;
	size_t offset;
	bool inside;
	int result = 0;

	mdi_heap_lock(module);
	inside = offset_of(heap, block, &offset);
	if (inside)
		answer = mdi_blocks_size(heap->blocks, offset, size);
	if (!inside || answer != MDI_BLOCK_OK)
		result = refuse(module, block, answer, !inside);
	mdi_heap_unlock(module);
	return result;
}

/* In place if that can be; else a new block, which is not filled yet. */
static int resize_locked(struct modiso_module *module, void *block, size_t size,
			 size_t *old, char **out)
{
	struct mdi_heap *heap = module->heap;
	enum mdi_block_answer answer;
	size_t offset;

	if (!offset_of(heap, block, &offset))
		return refuse(module, block, MDI_BLOCK_OK, true);
	answer = mdi_blocks_size(heap->blocks, offset, old);
	if (answer != MDI_BLOCK_OK)
		return refuse(module, block, answer, false);
	*out = block;
	if (mdi_blocks_resize(heap->blocks, offset, size) == MDI_BLOCK_OK)
		return 0;
	if (mdi_blocks_take(heap->blocks, size, 1, &offset) != MDI_BLOCK_OK)
		return full(module, size);
	*out = base_of(heap) + offset;
	return 0;
}

int mdi_heap_resize(struct modiso_module *module, void *block, size_t size,
		    void **out)
{
	const struct mdi_heap *heap = module->heap;
	size_t old = 0;
	char *got = NULL;
	int result;

	if (block == NULL)
		return mdi_heap_alloc(module, size, 1, false, out);
	if (size == 0)
		size = 1;
	mdi_heap_lock(module);
	result = resize_locked(module, block, size, &old, &got);
	mdi_heap_unlock(module);
	if (result != 0)
		return result;
	if (got != block) {
		result = mdi_range_copy_within(heap->region, got, block,
					   size < old ? size : old);
		/* The old one stays when the bytes could not be copied. */
		if (result != 0) {
			mdi_heap_give(module, got);
			return result;
		}
		result = mdi_heap_give(module, block);
		if (result != 0) /* somebody else was faster */
			return result;
	}
	*out = got;
	return 0;
}

/* --- what module code calls --- */

static struct modiso_module *caller(void)
{
	const struct mdi_thread *thread = mdi_thread_self();
	const struct mdi_frame *frame = thread ? mdi_frame_top(thread) : NULL;
	struct modiso_module *module;

	if (frame == NULL)
		return NULL;
	module = mdi_domain_module(mdi_frame_domain(frame));
	return module->heap != NULL ? module : NULL;
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

static void *heap_malloc(size_t size)
{
	return alloc_for_caller(size, 1, false);
}

static void *heap_calloc(size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	return alloc_for_caller(bytes, 1, true);
}

static void *heap_realloc(void *block, size_t size)
{
	struct modiso_module *module = caller();
	void *got;

	if (module == NULL || mdi_heap_resize(module, block, size, &got) != 0)
		return NULL;
	return got;
}

static void *heap_aligned_alloc(size_t align, size_t size)
{
	if (align == 0 || align & (align - 1))
		return NULL;
	return alloc_for_caller(size, align, false);
}

static int heap_free(void *block)
{
	struct modiso_module *module = caller();

	return module != NULL ? mdi_heap_give(module, block) :
				MODISO_ERR_STATE;
}

static size_t heap_usable_size(void *block)
{
	struct modiso_module *module = caller();
	size_t size;

	if (block == NULL || module == NULL ||
	    mdi_heap_size(module, block, &size) != 0)
		return 0;
	return size;
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
	}
	return NULL;
}
