/* SPDX-License-Identifier: MIT */
/*
 * malloc(), calloc() and free() in front of those that the host offers, for
 * modules that modiso-cc --heap links: the linker's --wrap leads here.
 *
 * Blocks of up to 1024 bytes come from the host many at a time and wait here to
 * be taken; what is freed waits here to go back. One service call does both, so
 * a pair costs a part of one. Each block is one of the host's all the while,
 * which knows nothing of this: what host code has taken can be freed here, and
 * what was taken here can be freed by host code. Nothing here has to be right
 * but for the module's own sake.
 *
 * There is no lock: a thread may be in here many times at once, by a handler of
 * the host's that calls the module, and a call may end anywhere and never come
 * back. Each place for a block is emptied and filled by one exchange, so a
 * block is in one place or in one thread's hands. The counts are only where to
 * look first. A call that ends in here loses what it had in its hands, 33
 * blocks at most, as it loses all others that it had taken.
 *
 * Threads are kept apart by where their stacks are; two that are not share one
 * cache, which costs time.
 */
#include <stddef.h>
#include <stdint.h>

#define CACHES  8
#define CLASSES 20
#define PLACES  32
#define SMALL   1024u
#define PAGE    4096u

struct cache {
	void *ready[CLASSES][PLACES]; /* by size: to be taken */
	void *freed[PLACES]; /* of all sizes: to go back */
	/* Places below are filled, those from there on are empty: perhaps. */
	uint8_t ready_count[CLASSES];
	uint8_t freed_count;
	uint8_t taken_last[CLASSES]; /* so many came from the host */
} __attribute__((aligned(64)));

static struct cache caches[CACHES];

void *__real_malloc(size_t size);
size_t modiso_heap_batch(void **blocks, size_t give, size_t take, size_t size);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void __wrap_free(void *block);

void *memset(void *to, int value, size_t length);

/* --- places --- */

static void *empty(void **place)
{
	if (__atomic_load_n(place, __ATOMIC_RELAXED) == NULL)
		return NULL;
	return __atomic_exchange_n(place, NULL, __ATOMIC_ACQUIRE);
}

/* Returned is what is still to be put somewhere. */
static void *fill(void **place, void *block)
{
	if (__atomic_load_n(place, __ATOMIC_RELAXED) != NULL)
		return block;
	return __atomic_exchange_n(place, block, __ATOMIC_RELEASE);
}

static unsigned look(const uint8_t *count)
{
	return __atomic_load_n(count, __ATOMIC_RELAXED);
}

static void note(uint8_t *count, unsigned value)
{
	__atomic_store_n(count, (uint8_t)value, __ATOMIC_RELAXED);
}

static unsigned empty_all(void **places, void **blocks)
{
	unsigned count = 0;

	for (unsigned i = 0; i < PLACES; i++) {
		void *block = empty(&places[i]);

		if (block != NULL)
			blocks[count++] = block;
	}
	return count;
}

static struct cache *own_cache(void)
{
	uint32_t at = (uint32_t)((uintptr_t)__builtin_frame_address(0) >> 16);

	return &caches[at * 0x9e3779b1u >> 29];
}

/* --- sizes: as the host has them, so that nothing is wasted --- */

static unsigned class_of(size_t size)
{
	unsigned log;

	if (size <= 128)
		return (unsigned)((size - 1) / 16);
	log = 31 - (unsigned)__builtin_clz((unsigned)(size - 1));
	return 8 + (log - 7) * 4 + (unsigned)((size - 1) >> (log - 2) & 3);
}

/* The largest of a class. */
static size_t size_of(unsigned class)
{
	size_t below;

	if (class < 8)
		return (class + 1u) * 16;
	below = (size_t)128 << (class - 8) / 4;
	return below + below / 4 * ((class - 8) % 4 + 1);
}

/* As many as a page has, or the places. */
static unsigned most(size_t size)
{
	return size <= PAGE / PLACES ? PLACES : (unsigned)(PAGE / size);
}

/* --- to the host, and from there --- */

static void give_freed(struct cache *cache, void *block)
{
	void *blocks[PLACES + 1];
	unsigned count;

	note(&cache->freed_count, 0);
	count = empty_all(cache->freed, blocks);
	if (block != NULL)
		blocks[count++] = block;
	if (count != 0)
		modiso_heap_batch(blocks, count, 0, 0);
}

__attribute__((destructor(101))) static void give_all(void)
{
	void *blocks[PLACES];
	unsigned count;

	for (unsigned i = 0; i < CACHES; i++) {
		for (unsigned class = 0; class < CLASSES; class++) {
			count = empty_all(caches[i].ready[class], blocks);
			if (count != 0)
				modiso_heap_batch(blocks, count, 0, 0);
		}
		give_freed(&caches[i], NULL);
	}
}

static __attribute__((noinline)) void *ask(struct cache *cache, unsigned class)
{
	unsigned wanted = look(&cache->taken_last[class]) * 2 + 2;
	size_t size = size_of(class);
	void *blocks[PLACES];
	unsigned count, i;

	/* The count may have been wrong. */
	for (i = PLACES; i-- > 0;) {
		blocks[0] = empty(&cache->ready[class][i]);
		if (blocks[0] == NULL)
			continue;
		note(&cache->ready_count[class], i);
		return blocks[0];
	}
	note(&cache->freed_count, 0);
	count = empty_all(cache->freed, blocks);
	if (wanted > most(size))
		wanted = most(size);
	count = (unsigned)modiso_heap_batch(blocks, count, wanted, size);
	if (count == 0) {
		give_all();
		return __real_malloc(size);
	}
	note(&cache->taken_last[class], count);
	for (i = 0; i < PLACES && count > 1; i++) {
		void **block = &blocks[count - 1];

		*block = fill(&cache->ready[class][i], *block);
		if (*block == NULL)
			count--;
	}
	note(&cache->ready_count[class], i);
	while (count > 1)
		__wrap_free(blocks[--count]);
	return blocks[0];
}

static void *ask_for_large(size_t size)
{
	void *block = __real_malloc(size);

	if (block != NULL)
		return block;
	give_all();
	return __real_malloc(size);
}

/* --- what the module calls --- */

void *__wrap_malloc(size_t size)
{
	struct cache *cache = own_cache();
	unsigned class, i;
	void *block;

	if (size == 0)
		size = 1;
	if (size > SMALL)
		return ask_for_large(size);
	class = class_of(size);
	for (i = look(&cache->ready_count[class]); i > 0; i--) {
		block = empty(&cache->ready[class][i - 1]);
		if (block == NULL)
			continue;
		note(&cache->ready_count[class], i - 1);
		return block;
	}
	return ask(cache, class);
}

void *__wrap_calloc(size_t count, size_t size)
{
	size_t bytes;
	void *block;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	block = __wrap_malloc(bytes);
	return block != NULL ? memset(block, 0, bytes) : NULL;
}

/*
 * What begins at a page may be large, and is wanted by others: it goes back at
 * once.
 */
void __wrap_free(void *block)
{
	struct cache *cache = own_cache();
	unsigned i;

	if (block == NULL)
		return;
	if ((uintptr_t)block % PAGE != 0)
		for (i = look(&cache->freed_count); i < PLACES; i++) {
			block = fill(&cache->freed[i], block);
			if (block != NULL)
				continue;
			note(&cache->freed_count, i + 1);
			return;
		}
	give_freed(cache, block);
}
