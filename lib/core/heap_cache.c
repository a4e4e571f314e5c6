/* SPDX-License-Identifier: MIT */
#include "core/heap_cache.h"

#include "core/runtime.h"
#include "core/thread.h"
#include "core/vault.h"
#include "os/misuse.h"
#include "os/process.h"

#include <errno.h>
#include <string.h>

static struct mdi_heap_state *const own = &mdi_core_state.heap;

/* How long who stops the caches sleeps before it looks again. */
#define PAUSE_NS 20000u
/* Longer than any store takes to be seen, where there is no barrier. */
#define SETTLED_NS 2000000u

const uint8_t mdi_cache_room[MDI_BLOCK_CLASSES] = {
	32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, /* 16 to 256 bytes */
	16, 16, 16, 16, /* 512 */
	8,  8,  8,  8,  /* 1024 */
	4,  4,  4,  4,  /* 2048 */
};

/* --- all at rest --- */

/* A forked child has to register again. */
static bool barrier(void)
{
	return mdi_os_barrier() == 0 ||
	       (mdi_os_barrier_register() == 0 && mdi_os_barrier() == 0);
}

static void pause_for(uint64_t ns)
{
	uint32_t never = 0;

	mdi_os_wait(&never, 0, ns);
}

/* Nobody else can have a cache while this thread is the only one. */
static bool alone(const struct mdi_thread *self)
{
	const struct mdi_thread *thread = mdi_core_state.thread.attached;

	for (; thread != NULL; thread = thread->next)
		if (thread != self && thread->host != NULL)
			return false;
	return true;
}

void mdi_caches_stop(void)
{
	struct mdi_thread *thread = mdi_core_state.thread.attached;
	struct mdi_thread *self = mdi_thread_self();
	int saved = errno;

	if (self != NULL && self->heap_busy != 0)
		mdi_misuse("a signal handler that the library does not stand "
			   "in front of has interrupted a heap's function and "
			   "uses heaps; " MDI_HOW_TO_INSTALL);
	__atomic_store_n(&own->stop, 1, __ATOMIC_SEQ_CST);
	/* A filter for system calls may refuse it by now. */
	if (!alone(self) && !barrier())
		pause_for(SETTLED_NS);
	for (; thread != NULL; thread = thread->next)
		while (__atomic_load_n(&thread->heap_busy, __ATOMIC_ACQUIRE))
			pause_for(PAUSE_NS);
	errno = saved;
}

void mdi_caches_resume(void)
{
	__atomic_store_n(&own->stop, 0, __ATOMIC_RELEASE);
}

/* --- one cache: nobody uses it just now --- */

void mdi_cache_settle(struct mdi_heap *heap, struct mdi_heap_cache *cache)
{
	mdi_blocks_count(heap->blocks, cache->bytes, cache->most,
			 cache->blocks);
	__atomic_store_n(&cache->bytes, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&cache->most, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&cache->blocks, 0, __ATOMIC_RELAXED);
}

static void empty(struct mdi_heap *heap, struct mdi_heap_cache *cache)
{
	for (unsigned class = 0; class < MDI_BLOCK_CLASSES; class++) {
		mdi_blocks_give_units(heap->blocks, cache->unit[class],
				      cache->count[class]);
		cache->count[class] = 0;
	}
	mdi_cache_settle(heap, cache);
}

static void end(struct mdi_heap_cache *cache, const struct mdi_thread *thread)
{
	cache->heap->caches[thread->index] = NULL;
	*cache->link = cache->next;
	if (cache->next != NULL)
		cache->next->link = cache->link;
	mdi_vault_free(cache, sizeof(*cache));
}

unsigned mdi_cache_fill(struct mdi_heap *heap, struct mdi_heap_cache *cache,
			unsigned class)
{
	unsigned got = mdi_blocks_take_units(heap->blocks, class,
					     cache->unit[class],
					     mdi_cache_room[class] / 2);

	cache->count[class] = (uint8_t)got;
	return got;
}

/* Those that were there first, which no CPU's cache has any more. */
void mdi_cache_spill(struct mdi_heap *heap, struct mdi_heap_cache *cache,
		     unsigned class)
{
	uint32_t *units = cache->unit[class];
	unsigned all = cache->count[class], half = all / 2;

	mdi_blocks_give_units(heap->blocks, units, half);
	memmove(units, units + half, (all - half) * sizeof(*units));
	cache->count[class] = (uint8_t)(all - half);
}

void mdi_cache_make(struct mdi_heap *heap, struct mdi_thread *thread)
{
	struct mdi_heap_cache *cache;
	int saved = errno;

	if (heap->caches == NULL || thread == NULL ||
	    heap->caches[thread->index] != NULL)
		return;
	mdi_runtime_lock();
	/* A handler may have come before the lock, and made it. */
	if (heap->caches[thread->index] == NULL && barrier()) {
		cache = mdi_vault_alloc(sizeof(*cache));
		if (cache != NULL) {
			cache->heap = heap;
			cache->next = thread->heap_caches;
			cache->link = &thread->heap_caches;
			if (cache->next != NULL)
				cache->next->link = &cache->next;
			thread->heap_caches = cache;
			heap->caches[thread->index] = cache;
		}
	}
	mdi_runtime_unlock();
	errno = saved;
}

/* --- all of a heap's, or of a thread's --- */

/* The next thread's from @*thread on; NULL: there is none. */
static struct mdi_heap_cache *next_cache(const struct mdi_heap *heap,
					 const struct mdi_thread **thread)
{
	struct mdi_heap_cache *cache = NULL;

	if (heap->caches == NULL)
		return NULL;
	while (*thread != NULL && cache == NULL) {
		cache = heap->caches[(*thread)->index];
		*thread = (*thread)->next;
	}
	return cache;
}

void mdi_caches_empty(struct mdi_heap *heap)
{
	const struct mdi_thread *thread = mdi_core_state.thread.attached;
	struct mdi_heap_cache *cache;

	while ((cache = next_cache(heap, &thread)) != NULL)
		empty(heap, cache);
}

void mdi_caches_forget(struct mdi_heap *heap)
{
	const struct mdi_thread *thread = mdi_core_state.thread.attached;
	struct mdi_heap_cache *cache;

	while ((cache = next_cache(heap, &thread)) != NULL) {
		memset(cache->count, 0, sizeof(cache->count));
		cache->bytes = cache->most = cache->blocks = 0;
	}
}

bool mdi_caches_any(const struct mdi_heap *heap)
{
	const struct mdi_thread *thread = mdi_core_state.thread.attached;

	return next_cache(heap, &thread) != NULL;
}

void mdi_caches_end_heap(struct mdi_heap *heap)
{
	struct mdi_thread *thread = mdi_core_state.thread.attached;

	if (heap->caches == NULL)
		return;
	for (; thread != NULL; thread = thread->next)
		if (heap->caches[thread->index] != NULL)
			end(heap->caches[thread->index], thread);
}

void mdi_caches_end_thread(struct mdi_thread *thread)
{
	struct mdi_heap_cache *cache;

	while ((cache = thread->heap_caches) != NULL) {
		mdi_heap_lock(cache->heap);
		empty(cache->heap, cache);
		mdi_heap_unlock(cache->heap);
		end(cache, thread);
	}
}

void mdi_caches_sum(const struct mdi_heap *heap, struct mdi_heap_sum *sum)
{
	const struct mdi_thread *thread = mdi_core_state.thread.attached;
	const struct mdi_heap_cache *cache;
	uint64_t highest = heap->blocks->used;

	sum->used = heap->blocks->used;
	sum->blocks = heap->blocks->count;
	while ((cache = next_cache(heap, &thread)) != NULL) {
		sum->used += (uint64_t)__atomic_load_n(&cache->bytes,
						       __ATOMIC_RELAXED);
		sum->blocks += (uint64_t)__atomic_load_n(&cache->blocks,
							 __ATOMIC_RELAXED);
		highest += (uint64_t)__atomic_load_n(&cache->most,
						     __ATOMIC_RELAXED);
	}
	sum->peak = highest > heap->blocks->peak ? highest :
						   heap->blocks->peak;
}
