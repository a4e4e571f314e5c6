/* SPDX-License-Identifier: MIT */
#include "core/heap.h"

#include "base/error.h"
#include "core/heap_cache.h"
#include "core/range.h"
#include "core/runtime.h"
#include "core/thread.h"
#include "core/vault.h"
#include "os/critical.h"
#include "os/file.h"
#include "os/lock.h"
#include "os/memory.h"

#define CACHES_SIZE (MDI_THREADS_MAX * sizeof(struct mdi_heap_cache *))

static struct mdi_heap_state *const own = &mdi_core_state.heap;

void mdi_heap_lock(const struct mdi_heap *heap)
{
	mdi_critical_begin();
	mdi_lock(heap->lock);
}

void mdi_heap_unlock(const struct mdi_heap *heap)
{
	mdi_unlock(heap->lock);
	mdi_critical_end();
}

void mdi_heaps_before_fork(void)
{
	mdi_caches_stop();
	for (unsigned i = 0; i < MDI_HEAP_LOCKS; i++)
		mdi_lock(&own->locks[i].lock);
}

void mdi_heaps_after_fork(void)
{
	for (unsigned i = MDI_HEAP_LOCKS; i-- > 0;)
		mdi_unlock(&own->locks[i].lock);
	mdi_caches_resume();
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
	/* It cannot wrap: what is noted of a page is smaller than the page. */
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
	heap->base = heap->region->node.base;
	heap->length = length;
	heap->lock = &own->locks[module->id % MDI_HEAP_LOCKS].lock;
	heap->blocks = (void *)heap->area->base;
	mdi_blocks_init(heap->blocks, pages, heap->base);
	heap->starts = mdi_blocks_starts(heap->blocks);
	/* Without memory for it each call takes the lock. */
	if (length / MDI_BLOCK_ALIGN <= UINT32_MAX)
		heap->caches = mdi_vault_alloc(CACHES_SIZE);
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
	mdi_caches_end_heap(heap);
	mdi_vault_free(heap->caches, CACHES_SIZE);
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

/* --- for snapshots --- */

void mdi_heap_hold(struct mdi_heap *heap)
{
	if (heap == NULL)
		return;
	mdi_caches_stop();
	mdi_heap_lock(heap);
}

void mdi_heap_release(struct mdi_heap *heap)
{
	if (heap == NULL)
		return;
	mdi_heap_unlock(heap);
	mdi_caches_resume();
}

void mdi_heap_gather(struct mdi_heap *heap)
{
	if (heap != NULL)
		mdi_caches_empty(heap);
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
	struct mdi_heap *heap = module->heap;

	if (heap == NULL || !heap->filed)
		return 0;
	if (mdi_mem_discard(heap->blocks, heap->area->length) != 0)
		return mdi_fail_os("madvise", "the heap of module %s",
				   module->name);
	mdi_caches_forget(heap);
	return 0;
}

/* --- blocks --- */

static void deliver(bool kept)
{
	if (kept)
		mdi_critical_deliver();
}

/* What is not done without the lock: what the caller's cache knows is told. */
static struct mdi_heap_cache *enter(struct mdi_heap *heap,
				    struct mdi_thread *thread)
{
	bool kept;
	struct mdi_heap_cache *cache = mdi_cache_begin(heap, thread, &kept);

	deliver(kept);
	mdi_heap_lock(heap);
	if (cache != NULL)
		mdi_cache_settle(heap, cache);
	return cache;
}

static void leave(struct mdi_heap *heap, struct mdi_thread *thread,
		  const struct mdi_heap_cache *cache)
{
	mdi_heap_unlock(heap);
	if (cache != NULL)
		deliver(mdi_cache_end(thread));
	else
		mdi_cache_make(heap, thread);
}

void mdi_heap_sum(struct mdi_heap *heap, struct mdi_heap_sum *sum,
		  uint64_t *refused)
{
	mdi_runtime_lock();
	mdi_heap_lock(heap);
	mdi_caches_sum(heap, sum);
	*refused = heap->refused;
	mdi_heap_unlock(heap);
	mdi_runtime_unlock();
}

static char *base_of(const struct mdi_heap *heap)
{
	return (char *)heap->base;
}

/* Is it anywhere in the heap? */
static bool offset_of(const struct mdi_heap *heap, const void *block,
		      size_t *offset)
{
	*offset = (size_t)((uintptr_t)block - heap->base);
	return *offset < heap->length;
}

static int full(const struct modiso_module *module, size_t size)
{
	const struct mdi_heap *heap = module->heap;

	return mdi_fail(MODISO_ERR_LIMIT,
			"no room for %zu bytes in the heap of module %s: %llu "
			"of %zu are in use",
			size, module->name,
			(unsigned long long)heap->blocks->used, heap->length);
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

/* What threads keep for themselves goes back first. */
static int take_last(struct modiso_module *module, size_t size, size_t align,
		     size_t *offset)
{
	struct mdi_heap *heap = module->heap;
	int result = 0;

	mdi_runtime_lock();
	mdi_heap_hold(heap);
	mdi_caches_empty(heap);
	if (mdi_blocks_take(heap->blocks, size, align, offset) != MDI_BLOCK_OK)
		result = full(module, size);
	mdi_heap_release(heap);
	mdi_runtime_unlock();
	return result;
}

static int take_slowly(struct modiso_module *module, size_t size, size_t align,
		       void **out)
{
	struct mdi_thread *thread = mdi_thread_self();
	struct mdi_heap *heap = module->heap;
	struct mdi_heap_cache *cache = enter(heap, thread);
	enum mdi_block_answer answer = MDI_BLOCK_OK;
	size_t offset = 0;
	int result = 0;

	*out = NULL;
	if (cache != NULL && size <= MDI_BLOCK_SMALL &&
	    align <= MDI_BLOCK_ALIGN) {
		unsigned class = mdi_block_class(size);

		if (cache->count[class] != 0 ||
		    mdi_cache_fill(heap, cache, class) != 0)
			*out = mdi_cache_pop(heap, cache, class);
	}
	if (*out == NULL)
		answer = mdi_blocks_take(heap->blocks, size, align, &offset);
	leave(heap, thread, cache);
	if (answer != MDI_BLOCK_OK)
		result = take_last(module, size, align, &offset);
	if (*out == NULL && result == 0)
		*out = base_of(heap) + offset;
	return result;
}

static MDI_RARE int take_zeros(struct modiso_module *module, size_t size,
			       void *block, void **out)
{
	int result = fill_zero(module->heap->region, block, size);

	if (result != 0)
		mdi_heap_give(module, block);
	else
		*out = block;
	return result;
}

int mdi_heap_alloc(struct modiso_module *module, size_t size, size_t align,
		   bool zero, void **out)
{
	void *block = NULL;
	bool kept = false;
	int result = 0;

	if (size == 0)
		size = 1;
	if (size <= MDI_BLOCK_SMALL && align <= MDI_BLOCK_ALIGN)
		block = mdi_cache_take(module->heap, mdi_thread_self(), size,
				       &kept);
	deliver(kept);
	if (block == NULL)
		result = take_slowly(module, size, align, &block);
	if (result != 0)
		return result;
	if (zero)
		return take_zeros(module, size, block, out);
	*out = block;
	return 0;
}

/* Room for the next one of its size. */
static void make_room(struct mdi_heap *heap, struct mdi_heap_cache *cache,
		      size_t offset)
{
	uint8_t start = mdi_blocks_start(heap->starts, offset);

	if (start != 0 && cache->count[start - 1] == mdi_cache_room[start - 1])
		mdi_cache_spill(heap, cache, start - 1u);
}

static int give_slowly(struct modiso_module *module, void *block)
{
	struct mdi_thread *thread = mdi_thread_self();
	enum mdi_block_answer answer = MDI_BLOCK_OK;
	struct mdi_heap *heap = module->heap;
	struct mdi_heap_cache *cache;
	size_t offset;
	bool inside;
	int result = 0;

	if (block == NULL)
		return 0;
	cache = enter(heap, thread);
	inside = offset_of(heap, block, &offset);
	if (inside && cache != NULL)
		make_room(heap, cache, offset);
	if (inside)
		answer = mdi_blocks_give(heap->blocks, offset);
	if (!inside || answer != MDI_BLOCK_OK)
		result = refuse(module, block, answer, !inside);
	leave(heap, thread, cache);
	return result;
}

int mdi_heap_give(struct modiso_module *module, void *block)
{
	bool kept, given = mdi_cache_give(module->heap, mdi_thread_self(),
					  block, &kept);

	deliver(kept);
	if (given)
		return 0;
	return give_slowly(module, block);
}

int mdi_heap_size(struct modiso_module *module, const void *block, size_t *size)
{
	const struct mdi_heap *heap = module->heap;
	enum mdi_block_answer answer = MDI_BLOCK_OK;
	size_t offset;
	bool inside;
	int result = 0;

	mdi_heap_lock(heap);
	inside = offset_of(heap, block, &offset);
	if (inside)
		answer = mdi_blocks_size(heap->blocks, offset, size);
	if (!inside || answer != MDI_BLOCK_OK)
		result = refuse(module, block, answer, !inside);
	mdi_heap_unlock(heap);
	return result;
}

/* In place if that can be: then *@out is @block. */
static int resize_locked(struct modiso_module *module, void *block, size_t size,
			 size_t *old, void **out)
{
	struct mdi_heap *heap = module->heap;
	enum mdi_block_answer answer;
	size_t offset;

	if (!offset_of(heap, block, &offset))
		return refuse(module, block, MDI_BLOCK_OK, true);
	answer = mdi_blocks_size(heap->blocks, offset, old);
	if (answer != MDI_BLOCK_OK)
		return refuse(module, block, answer, false);
	if (mdi_blocks_resize(heap->blocks, offset, size) == MDI_BLOCK_OK)
		*out = block;
	return 0;
}

int mdi_heap_resize(struct modiso_module *module, void *block, size_t size,
		    void **out)
{
	struct mdi_thread *thread = mdi_thread_self();
	const struct mdi_heap_cache *cache;
	struct mdi_heap *heap = module->heap;
	size_t old = 0;
	void *got = NULL;
	int result;

	if (block == NULL)
		return mdi_heap_alloc(module, size, 1, false, out);
	if (size == 0)
		size = 1;
	cache = enter(heap, thread);
	result = resize_locked(module, block, size, &old, &got);
	leave(heap, thread, cache);
	if (result == 0 && got == NULL)
		result = mdi_heap_alloc(module, size, 1, false, &got);
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
		if (result != 0) { /* somebody else was faster */
			mdi_heap_give(module, got);
			return result;
		}
	}
	*out = got;
	return 0;
}
