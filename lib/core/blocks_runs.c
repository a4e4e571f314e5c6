/* SPDX-License-Identifier: MIT */
/*
 * The pages of a heap that no slab and no block has: runs of them, in lists by
 * their length.
 */
#include "core/blocks_runs.h"

#define NONE MDI_BLOCK_NONE

static unsigned log2_of(uint32_t value)
{
	return 31 - (unsigned)__builtin_clz(value);
}

/* Which list a free run of this length is in. */
static void bin_of(uint32_t pages, unsigned *level, unsigned *bin)
{
	unsigned log;

	if (pages < MDI_BLOCK_BINS) {
		*level = 0;
		*bin = pages;
		return;
	}
	log = log2_of(pages);
	*level = log - 2;
	*bin = (pages >> (log - 3)) & (MDI_BLOCK_BINS - 1);
}

void mdi_blocks_link_run(struct mdi_blocks *blocks, uint32_t first,
			 uint32_t pages)
{
	struct mdi_block_page *page = &blocks->page[first];
	unsigned level, bin;
	uint32_t *head;

	bin_of(pages, &level, &bin);
	head = &blocks->run[level][bin];
	page->kind = MDI_BLOCK_RUN;
	page->pages = pages;
	page->prev = NONE;
	page->next = *head;
	if (*head != NONE)
		blocks->page[*head].prev = first;
	*head = first;
	blocks->bins[level] |= (uint8_t)(1u << bin);
	blocks->levels |= 1u << level;
	if (pages > 1) {
		blocks->page[first + pages - 1].kind = MDI_BLOCK_RUN_END;
		blocks->page[first + pages - 1].pages = pages;
	}
}

void mdi_blocks_unlink_run(struct mdi_blocks *blocks, uint32_t first)
{
	struct mdi_block_page *page = &blocks->page[first];
	unsigned level, bin;

	bin_of(page->pages, &level, &bin);
	if (page->next != NONE)
		blocks->page[page->next].prev = page->prev;
	if (page->prev != NONE)
		blocks->page[page->prev].next = page->next;
	else
		blocks->run[level][bin] = page->next;
	if (blocks->run[level][bin] == NONE)
		blocks->bins[level] &= (uint8_t)~(1u << bin);
	if (blocks->bins[level] == 0)
		blocks->levels &= ~(1u << level);
	blocks->page[first + page->pages - 1].kind = MDI_BLOCK_PART;
	page->kind = MDI_BLOCK_PART;
}

/* A run that is long enough: every one of the list that it comes from is. */
static uint32_t find_run(const struct mdi_blocks *blocks, uint32_t pages)
{
	uint32_t asked = pages, first;
	unsigned level, bin, bits;

	if (pages >= MDI_BLOCK_BINS)
		asked += (1u << (log2_of(pages) - 3)) - 1;
	bin_of(asked, &level, &bin);
	bits = level < MDI_BLOCK_LEVELS ? blocks->bins[level] &
						  (0xffu << bin) : 0;
	if (bits == 0) {
		uint32_t above = level + 1 < 32 ?
					 blocks->levels & (~0u << (level + 1)) :
					 0;

		if (above != 0) {
			level = (unsigned)__builtin_ctz(above);
			bits = blocks->bins[level];
		}
	}
	if (bits != 0)
		return blocks->run[level][__builtin_ctz(bits)];
	/* The first of the list below may fit: the only one of a new heap. */
	bin_of(pages, &level, &bin);
	first = blocks->run[level][bin];
	return first != NONE && blocks->page[first].pages >= pages ? first :
								     NONE;
}

void mdi_blocks_give_run(struct mdi_blocks *blocks, uint32_t first,
			 uint32_t pages)
{
	uint32_t after = first + pages;

	if (after < blocks->pages &&
	    blocks->page[after].kind == MDI_BLOCK_RUN) {
		pages += blocks->page[after].pages;
		mdi_blocks_unlink_run(blocks, after);
	}
	if (first > 0) {
		uint32_t before = first - 1;

		if (blocks->page[before].kind == MDI_BLOCK_RUN_END)
			before = first - blocks->page[before].pages;
		if (blocks->page[before].kind == MDI_BLOCK_RUN) {
			pages += blocks->page[before].pages;
			first = before;
			mdi_blocks_unlink_run(blocks, before);
		}
	}
	mdi_blocks_link_run(blocks, first, pages);
}

uint32_t mdi_blocks_take_run(struct mdi_blocks *blocks, uint32_t pages,
			     uint32_t align)
{
	uint32_t room = pages + align - 1, first, front, length;

	if (room < pages || room > blocks->pages)
		return NONE;
	first = find_run(blocks, room);
	if (first == NONE)
		return NONE;
	length = blocks->page[first].pages;
	mdi_blocks_unlink_run(blocks, first);
	front = -(blocks->origin + first) & (align - 1);
	if (front != 0)
		mdi_blocks_link_run(blocks, first, front);
	if (length > front + pages)
		mdi_blocks_link_run(blocks, first + front + pages,
				    length - front - pages);
	return first + front;
}
