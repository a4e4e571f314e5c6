/* SPDX-License-Identifier: MIT */
/*
 * core/blocks.h - which bytes of a heap are taken. Never looks at the heap.
 *
 * Why one of our own: the heap is memory that a module can write, so nothing
 * that decides anything may lie in it, and a pointer that comes from the module
 * may be any number. mimalloc, rpmalloc, snmalloc, dlmalloc and the C library
 * keep lists of free blocks, or headers, in the blocks themselves. jemalloc and
 * hardened_malloc do not; but the one takes any pointer that free() is given
 * for a good one, and the other serves one heap for the whole process and ends
 * it at the first bad pointer. What remained was small enough to write.
 *
 * Blocks of up to 2048 bytes are slots of a slab: 1, 4 or 8 pages of one size,
 * with a bitmap. Larger ones are runs of pages (blocks_runs.h). All of this is
 * in the record of a run's first page, and for free runs in that of the last
 * one. Every function takes O(1) steps.
 *
 * Which small blocks are in use is noted beside that: a byte for every 16 of
 * the heap, which is 0 unless a block begins there, and then says of what size.
 * A slot can be taken from its slab and not be in use: heap_cache.h keeps some
 * for each thread, and takes and gives those without the heap's lock. So these
 * bytes alone decide whether a small block is in use, and who clears one has
 * given the block back, once.
 */
#ifndef MDI_CORE_BLOCKS_H
#define MDI_CORE_BLOCKS_H

#include "base/common.h"

#define MDI_BLOCK_ALIGN ((size_t)16)
#define MDI_BLOCK_PAGES_MAX ((size_t)1 << 31)

#define MDI_BLOCK_BINS 8
#define MDI_BLOCK_LEVELS 30
#define MDI_BLOCK_CLASSES 24
#define MDI_BLOCK_SLOTS 256
#define MDI_BLOCK_SMALL ((size_t)2048)

struct mdi_block_page {
	uint8_t kind;
	uint8_t class;
	uint16_t used;  /* slots of a slab */
	uint32_t pages; /* of the run: in its first page, if free its last */
	uint32_t next, prev; /* of the same bin, or slabs with a free slot */
	uint64_t taken[MDI_BLOCK_SLOTS / 64];
};

struct mdi_blocks {
	uint32_t pages;
	uint32_t origin; /* number of the first page, modulo 2^32 */
	uint32_t levels; /* a bit for each that has a list which is not empty */
	uint8_t bins[MDI_BLOCK_LEVELS];
	uint32_t run[MDI_BLOCK_LEVELS][MDI_BLOCK_BINS];
	uint32_t slab[MDI_BLOCK_CLASSES]; /* with a free slot */
	uint64_t used, peak; /* bytes */
	uint64_t count;      /* blocks */
	struct mdi_block_page page[]; /* behind them, a byte for 16 */
};

enum mdi_block_answer {
	MDI_BLOCK_OK,
	MDI_BLOCK_FREE,   /* no block that is in use begins there */
	MDI_BLOCK_INSIDE, /* it is inside of a block, or of room for one */
	MDI_BLOCK_FULL
};

/* Bytes of the bookkeeping for a heap of that many pages; zeroed at init. */
size_t mdi_blocks_room(size_t pages);
void mdi_blocks_init(struct mdi_blocks *blocks, size_t pages, uintptr_t base);

/*
 * @align is a power of two, for the address. @offset and @size are bytes, @size
 * at least 1.
 */
enum mdi_block_answer mdi_blocks_take(struct mdi_blocks *blocks, size_t size,
				      size_t align, size_t *offset);
/* Any @offset below the end of the heap. */
enum mdi_block_answer mdi_blocks_give(struct mdi_blocks *blocks,
				      size_t offset);
enum mdi_block_answer mdi_blocks_size(const struct mdi_blocks *blocks,
				      size_t offset, size_t *size);
/* In place: MDI_BLOCK_FULL when it has to move. */
enum mdi_block_answer mdi_blocks_resize(struct mdi_blocks *blocks,
					size_t offset, size_t size);

/*
 * Slots of small blocks as numbers of 16 bytes: up to @count that nobody has,
 * and back. They are counted by who has them.
 */
unsigned mdi_blocks_take_units(struct mdi_blocks *blocks, unsigned class,
			       uint32_t *units, unsigned count);
void mdi_blocks_give_units(struct mdi_blocks *blocks, const uint32_t *units,
			   unsigned count);
/* Bytes and blocks in use are so many more; @most: that was the highest. */
void mdi_blocks_count(struct mdi_blocks *blocks, int64_t bytes, int64_t most,
		      int64_t count);

/* --- small blocks in use --- */

extern const uint16_t mdi_block_size[MDI_BLOCK_CLASSES];

/* The smallest class that holds @size bytes. */
static inline unsigned mdi_block_class(size_t size)
{
	unsigned log;

	if (size <= 128)
		return (unsigned)((size - 1) / 16);
	/* 7 for 129 to 256 */
	log = 31 - (unsigned)__builtin_clz((unsigned)(size - 1));
	return 8 + (log - 7) * 4 + (unsigned)((size - 1) >> (log - 2) & 3);
}

static inline uint8_t *mdi_blocks_starts(const struct mdi_blocks *blocks)
{
	return (uint8_t *)&blocks->page[blocks->pages];
}

/* 0, or 1 more than the class of the small block that begins there. */
static inline uint8_t mdi_blocks_start(const uint8_t *starts, size_t offset)
{
	return offset % MDI_BLOCK_ALIGN != 0 ?
		       0 :
		       __atomic_load_n(&starts[offset / MDI_BLOCK_ALIGN],
				       __ATOMIC_RELAXED);
}

static inline void mdi_blocks_start_set(uint8_t *starts, size_t offset,
					unsigned class)
{
	__atomic_store_n(&starts[offset / MDI_BLOCK_ALIGN],
			 (uint8_t)(class + 1), __ATOMIC_RELAXED);
}

/* False: it is not @start any more. */
static inline bool mdi_blocks_start_clear(uint8_t *starts, size_t offset,
					  uint8_t start)
{
	return __atomic_compare_exchange_n(&starts[offset / MDI_BLOCK_ALIGN],
					   &start, 0, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

#endif /* MDI_CORE_BLOCKS_H */
