/* SPDX-License-Identifier: MIT */
/*
 * core/heap_cache.h - small blocks that a thread takes and gives without a lock
 *
 * A thread that uses a heap keeps some free slots of each size for itself: up
 * to 32 of 256 bytes or less, 16, 8 or 4 of larger ones, 125 KiB in all. They
 * lie in the vault, like all that is known of a heap, never in the heap. They
 * are had from the slabs, and go back there, half of them at a time and under
 * the heap's lock. Nobody but the thread touches its cache while it may: from
 * mdi_cache_begin() to mdi_cache_end(). Whose cache it is, is decided by the
 * block of struct mdi_thread that the caller goes by, so a fiber has its own. A
 * thread that is not attached has none, and takes the lock each time.
 *
 * Some things need all caches at rest: a snapshot, fork(2), a heap that is
 * full. Who does one of these holds the library's lock, and
 *
 *	thread                          who stops them
 *	1 heap_busy := 1                4 stop := 1
 *	2 loads stop; not 0: undo 1     5 membarrier(2)
 *	3 ... heap_busy := 0            6 waits until each heap_busy is 0
 *
 * The barrier comes after 1, and then 6 sees it; or before 1, and so before 2,
 * which sees 4. So a thread pays two stores and a load, none of them locked.
 * Who finds caches stopped takes the heap's lock, and waits there.
 *
 * No handler of the host comes between 1 and 3 (os/critical.h). One that the
 * library does not stand in front of finds heap_busy 1, and takes the lock.
 *
 * A block in use has its byte (core/blocks.h), and who clears that has given it
 * back: the one locked instruction of the two functions below. Two threads that
 * give one block back are told apart by it, as by the lock.
 */
#ifndef MDI_CORE_HEAP_CACHE_H
#define MDI_CORE_HEAP_CACHE_H

#include "core/heap.h"
#include "core/state.h"
#include "os/critical.h"

#define MDI_CACHE_ROOM 32

struct mdi_heap_cache {
	struct mdi_heap *heap;
	struct mdi_heap_cache *next, **link; /* of the thread */
	/*
	 * What the thread has taken more than given since the heap's own counts
	 * know of it, and the most that this was. Others read them.
	 */
	int64_t bytes, most, blocks;
	uint8_t count[MDI_BLOCK_CLASSES];
	uint32_t unit[MDI_BLOCK_CLASSES][MDI_CACHE_ROOM];
};

/* Of each class, so many at most. */
extern const uint8_t mdi_cache_room[MDI_BLOCK_CLASSES];

/* The library's lock is held in these, but for the heap's. */
void mdi_caches_stop(void);
void mdi_caches_resume(void);
/* Between the two, and the heap's lock is held: all of a heap's. */
void mdi_caches_empty(struct mdi_heap *heap);  /* its slabs have the slots */
void mdi_caches_forget(struct mdi_heap *heap); /* they never were */
/* Does any thread keep slots of it? */
bool mdi_caches_any(const struct mdi_heap *heap);
/* The heap ends, or the thread does; neither lock of a heap is held. */
void mdi_caches_end_heap(struct mdi_heap *heap);
void mdi_caches_end_thread(struct mdi_thread *thread);
/* The calling thread's, for later: there is none, or no memory for it. */
void mdi_cache_make(struct mdi_heap *heap, struct mdi_thread *thread);

/* Under both locks: what is in use, with all that caches know of. */
void mdi_caches_sum(const struct mdi_heap *heap, struct mdi_heap_sum *sum);

/*
 * Of the calling thread's cache, between begin and end, under the heap's lock:
 * the heap's counts learn what the cache has counted; slots come from the slabs
 * and how many; half of them go back there.
 */
void mdi_cache_settle(struct mdi_heap *heap, struct mdi_heap_cache *cache);
unsigned mdi_cache_fill(struct mdi_heap *heap, struct mdi_heap_cache *cache,
			unsigned class);
void mdi_cache_spill(struct mdi_heap *heap, struct mdi_heap_cache *cache,
		     unsigned class);

/*
 * The calling thread's, which nobody else touches until the end; or NULL. A
 * signal of the host that came meanwhile is @kept: the caller has it delivered
 * (mdi_critical_deliver), behind its last store, so that the public functions
 * need no registers beside those that a call may change.
 */
MDI_INLINE struct mdi_heap_cache *mdi_cache_begin(const struct mdi_heap *heap,
						  struct mdi_thread *thread,
						  bool *kept)
{
	struct mdi_heap_cache *cache;

	*kept = false;
	if (thread == NULL || heap->caches == NULL)
		return NULL;
	cache = heap->caches[thread->index];
	if (cache == NULL || thread->heap_busy != 0)
		return NULL;
	mdi_critical_brief_begin();
	__atomic_store_n(&thread->heap_busy, 1, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&mdi_core_state.heap.stop, __ATOMIC_ACQUIRE) == 0)
		return cache;
	__atomic_store_n(&thread->heap_busy, 0, __ATOMIC_RELEASE);
	*kept = mdi_critical_brief_leave();
	return NULL;
}

/* True: a signal was kept. */
MDI_INLINE bool mdi_cache_end(struct mdi_thread *thread)
{
	__atomic_store_n(&thread->heap_busy, 0, __ATOMIC_RELEASE);
	return mdi_critical_brief_leave();
}

/* Others read what is counted, and no more. */
MDI_INLINE void mdi_cache_count(struct mdi_heap_cache *cache, int64_t bytes,
				int64_t blocks)
{
	int64_t now = cache->bytes + bytes;

	__atomic_store_n(&cache->bytes, now, __ATOMIC_RELAXED);
	__atomic_store_n(&cache->blocks, cache->blocks + blocks,
			 __ATOMIC_RELAXED);
	if (now > cache->most)
		__atomic_store_n(&cache->most, now, __ATOMIC_RELAXED);
}

/* The slot that was put in last; there is one. */
MDI_INLINE void *mdi_cache_pop(const struct mdi_heap *heap,
			       struct mdi_heap_cache *cache, unsigned class)
{
	unsigned count = cache->count[class] - 1u;
	size_t offset = (size_t)cache->unit[class][count] * MDI_BLOCK_ALIGN;

	cache->count[class] = (uint8_t)count;
	mdi_blocks_start_set(heap->starts, offset, class);
	mdi_cache_count(cache, mdi_block_size[class], 1);
	return (void *)(heap->base + offset);
}

/* A block of 1 to MDI_BLOCK_SMALL bytes, aligned to 16. NULL: none here. */
MDI_INLINE void *mdi_cache_take(const struct mdi_heap *heap,
				struct mdi_thread *thread, size_t size,
				bool *kept)
{
	struct mdi_heap_cache *cache = mdi_cache_begin(heap, thread, kept);
	unsigned class = mdi_block_class(size);
	void *block = NULL;

	if (cache == NULL)
		return NULL;
	if (cache->count[class] != 0)
		block = mdi_cache_pop(heap, cache, class);
	*kept = mdi_cache_end(thread);
	return block;
}

/* False: @block is no small one in use, or there is no room for it here. */
MDI_INLINE bool mdi_cache_give(const struct mdi_heap *heap,
			       struct mdi_thread *thread, const void *block,
			       bool *kept)
{
	size_t offset = (size_t)((uintptr_t)block - heap->base);
	struct mdi_heap_cache *cache;
	unsigned class, count;
	bool given = false;
	uint8_t start;

	*kept = false;
	if (offset >= heap->length)
		return false;
	start = mdi_blocks_start(heap->starts, offset);
	if (start == 0)
		return false;
	cache = mdi_cache_begin(heap, thread, kept);
	if (cache == NULL)
		return false;
	class = start - 1u;
	count = cache->count[class];
	if (count < mdi_cache_room[class] &&
	    mdi_blocks_start_clear(heap->starts, offset, start)) {
		cache->unit[class][count] =
			(uint32_t)(offset / MDI_BLOCK_ALIGN);
		cache->count[class] = (uint8_t)(count + 1);
		mdi_cache_count(cache, -(int64_t)mdi_block_size[class], -1);
		given = true;
	}
	*kept = mdi_cache_end(thread);
	return given;
}

#endif /* MDI_CORE_HEAP_CACHE_H */
