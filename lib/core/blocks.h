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
 * with a bitmap. Larger ones are runs of pages; free runs are in lists by size,
 * eight for each power of two (two-level segregated fit), and join their
 * neighbours at once. All of this is in the record of a run's first page, and
 * for free runs in that of the last one. Every function takes O(1) steps.
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
	struct mdi_block_page page[];
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

#endif /* MDI_CORE_BLOCKS_H */
