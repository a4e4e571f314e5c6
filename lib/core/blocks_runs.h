/* SPDX-License-Identifier: MIT */
/*
 * core/blocks_runs.h - the free pages of a heap, for blocks.c.
 *
 * Free runs are in lists by size, eight for each power of two (two-level
 * segregated fit), and join their neighbours at once.
 */
#ifndef MDI_CORE_BLOCKS_RUNS_H
#define MDI_CORE_BLOCKS_RUNS_H

#include "core/blocks.h"

#define MDI_BLOCK_NONE UINT32_MAX

/* What a page is: struct mdi_block_page.kind. */
enum mdi_block_kind {
	MDI_BLOCK_PART,      /* of a run, or of nothing: says nothing */
	MDI_BLOCK_RUN,       /* first page of a free run */
	MDI_BLOCK_RUN_END,   /* last page of a free run of two or more */
	MDI_BLOCK_LARGE,     /* first page of a block */
	MDI_BLOCK_SLAB,      /* first page of a slab */
	MDI_BLOCK_SLAB_PAGE, /* a later one; next is the first */
};

/* A run that is in no list becomes one that is, and the reverse. */
void mdi_blocks_link_run(struct mdi_blocks *blocks, uint32_t first,
			 uint32_t pages);
void mdi_blocks_unlink_run(struct mdi_blocks *blocks, uint32_t first);

/* Pages that nobody has any more. */
void mdi_blocks_give_run(struct mdi_blocks *blocks, uint32_t first,
			 uint32_t pages);
/* The first of @pages at a multiple of @align; MDI_BLOCK_NONE: no room. */
uint32_t mdi_blocks_take_run(struct mdi_blocks *blocks, uint32_t pages,
			     uint32_t align);

#endif /* MDI_CORE_BLOCKS_RUNS_H */
