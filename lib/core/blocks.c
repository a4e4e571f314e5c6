/* SPDX-License-Identifier: MIT */
#include "core/blocks_runs.h"

#define NONE MDI_BLOCK_NONE

const uint16_t mdi_block_size[MDI_BLOCK_CLASSES] = {
	16,  32,  48,  64,  80,  96,   112,  128,  160,  192,  224,  256,
	320, 384, 448, 512, 640, 768,  896,  1024, 1280, 1536, 1792, 2048,
};

/* --- slabs --- */

static uint32_t slab_pages(unsigned class)
{
	uint16_t size = mdi_block_size[class];

	return size <= 256 ? 1 : size <= 1024 ? 4 : 8;
}

static unsigned slab_slots(unsigned class)
{
	return (unsigned)(slab_pages(class) * MDI_PAGE_SIZE /
			  mdi_block_size[class]);
}

/* All slots begin at multiples of the class's size, from a page on. */
static unsigned aligned_class(size_t size, size_t align)
{
	unsigned class = mdi_block_class(size > align ? size : align);

	while (mdi_block_size[class] & (align - 1))
		class++;
	return class;
}

static void link_slab(struct mdi_blocks *blocks, uint32_t first)
{
	struct mdi_block_page *page = &blocks->page[first];
	uint32_t *head = &blocks->slab[page->class];

	page->prev = NONE;
	page->next = *head;
	if (*head != NONE)
		blocks->page[*head].prev = first;
	*head = first;
}

static void unlink_slab(struct mdi_blocks *blocks, uint32_t first)
{
	struct mdi_block_page *page = &blocks->page[first];

	if (page->next != NONE)
		blocks->page[page->next].prev = page->prev;
	if (page->prev != NONE)
		blocks->page[page->prev].next = page->next;
	else
		blocks->slab[page->class] = page->next;
}

static uint32_t take_run(struct mdi_blocks *blocks, uint32_t pages,
			 uint32_t align);

static uint32_t new_slab(struct mdi_blocks *blocks, unsigned class)
{
	uint32_t pages = slab_pages(class);
	uint32_t first = take_run(blocks, pages, 1);
	struct mdi_block_page *page;

	if (first == NONE)
		return NONE;
	page = &blocks->page[first];
	*page = (struct mdi_block_page){
		.kind = MDI_BLOCK_SLAB,
		.class = (uint8_t)class,
		.pages = pages,
	};
	/* Slots that are not there count as taken. */
	for (unsigned slot = slab_slots(class); slot < MDI_BLOCK_SLOTS; slot++)
		page->taken[slot / 64] |= (uint64_t)1 << (slot % 64);
	for (uint32_t i = 1; i < pages; i++) {
		blocks->page[first + i].kind = MDI_BLOCK_SLAB_PAGE;
		blocks->page[first + i].next = first;
	}
	link_slab(blocks, first);
	return first;
}

static void give_slab(struct mdi_blocks *blocks, uint32_t first)
{
	uint32_t pages = blocks->page[first].pages;

	unlink_slab(blocks, first);
	for (uint32_t i = 0; i < pages; i++)
		blocks->page[first + i].kind = MDI_BLOCK_PART;
	mdi_blocks_give_run(blocks, first, pages);
}

static void give_empty_slabs(struct mdi_blocks *blocks)
{
	for (unsigned class = 0; class < MDI_BLOCK_CLASSES; class++) {
		uint32_t first = blocks->slab[class];

		/* It is kept only while it is the one with a free slot. */
		if (first != NONE && blocks->page[first].used == 0)
			give_slab(blocks, first);
	}
}

/* Slabs that are empty were kept for the next block of their size. */
static uint32_t take_run(struct mdi_blocks *blocks, uint32_t pages,
			 uint32_t align)
{
	uint32_t first = mdi_blocks_take_run(blocks, pages, align);

	if (first != NONE)
		return first;
	give_empty_slabs(blocks);
	return mdi_blocks_take_run(blocks, pages, align);
}

static bool take_slot(struct mdi_blocks *blocks, unsigned class, size_t *offset)
{
	uint32_t first = blocks->slab[class];
	struct mdi_block_page *page;
	unsigned word = 0, bit;

	if (first == NONE)
		first = new_slab(blocks, class);
	if (first == NONE)
		return false;
	page = &blocks->page[first];
	while (~page->taken[word] == 0)
		word++;
	bit = (unsigned)__builtin_ctzll(~page->taken[word]);
	page->taken[word] |= (uint64_t)1 << bit;
	if (++page->used == slab_slots(class))
		unlink_slab(blocks, first);
	*offset = first * MDI_PAGE_SIZE +
		  (size_t)(word * 64 + bit) * mdi_block_size[class];
	return true;
}

/* The slab and the slot, used or not, that @offset lies in. */
static unsigned slot_at(const struct mdi_blocks *blocks, size_t offset,
			uint32_t *first, size_t *inside)
{
	uint32_t at = (uint32_t)(offset / MDI_PAGE_SIZE);
	uint16_t size;
	size_t distance;

	if (blocks->page[at].kind == MDI_BLOCK_SLAB_PAGE)
		at = blocks->page[at].next;
	size = mdi_block_size[blocks->page[at].class];
	distance = offset - at * MDI_PAGE_SIZE;
	*first = at;
	*inside = distance % size;
	return (unsigned)(distance / size);
}

static void give_slot(struct mdi_blocks *blocks, uint32_t first, unsigned slot)
{
	struct mdi_block_page *page = &blocks->page[first];

	page->taken[slot / 64] &= ~((uint64_t)1 << (slot % 64));
	if (page->used-- == slab_slots(page->class)) {
		link_slab(blocks, first);
		if (page->next != NONE && blocks->page[page->next].used == 0)
			give_slab(blocks, page->next);
	}
	/* The only one stays: its size was wanted, and may be again. */
	if (page->used == 0 && (page->next != NONE || page->prev != NONE))
		give_slab(blocks, first);
}

unsigned mdi_blocks_take_units(struct mdi_blocks *blocks, unsigned class,
			       uint32_t *units, unsigned count)
{
	size_t offset;
	unsigned got = 0;

	while (got < count && take_slot(blocks, class, &offset))
		units[got++] = (uint32_t)(offset / MDI_BLOCK_ALIGN);
	return got;
}

void mdi_blocks_give_units(struct mdi_blocks *blocks, const uint32_t *units,
			   unsigned count)
{
	uint32_t first;
	unsigned slot;
	size_t inside;

	for (unsigned i = 0; i < count; i++) {
		slot = slot_at(blocks, units[i] * MDI_BLOCK_ALIGN, &first,
			       &inside);
		give_slot(blocks, first, slot);
	}
}

/* --- blocks --- */

void mdi_blocks_count(struct mdi_blocks *blocks, int64_t bytes, int64_t most,
		      int64_t count)
{
	if (blocks->used + (uint64_t)most > blocks->peak)
		blocks->peak = blocks->used + (uint64_t)most;
	blocks->used += (uint64_t)bytes;
	blocks->count += (uint64_t)count;
}

static void count_block(struct mdi_blocks *blocks, size_t bytes)
{
	mdi_blocks_count(blocks, (int64_t)bytes, (int64_t)bytes, 1);
}

static void count_bytes(struct mdi_blocks *blocks, size_t bytes)
{
	mdi_blocks_count(blocks, (int64_t)bytes, (int64_t)bytes, 0);
}

size_t mdi_blocks_room(size_t pages)
{
	return sizeof(struct mdi_blocks) +
	       pages * (sizeof(struct mdi_block_page) +
			MDI_PAGE_SIZE / MDI_BLOCK_ALIGN);
}

void mdi_blocks_init(struct mdi_blocks *blocks, size_t pages, uintptr_t base)
{
	blocks->pages = (uint32_t)pages;
	blocks->origin = (uint32_t)(base / MDI_PAGE_SIZE);
	for (unsigned level = 0; level < MDI_BLOCK_LEVELS; level++)
		for (unsigned bin = 0; bin < MDI_BLOCK_BINS; bin++)
			blocks->run[level][bin] = NONE;
	for (unsigned class = 0; class < MDI_BLOCK_CLASSES; class++)
		blocks->slab[class] = NONE;
	mdi_blocks_link_run(blocks, 0, blocks->pages);
}

/* How many pages; 0 when there cannot be as many. */
static uint32_t pages_of(const struct mdi_blocks *blocks, size_t size)
{
	size_t rounded;

	if (!mdi_page_round(size, &rounded) ||
	    rounded / MDI_PAGE_SIZE > blocks->pages)
		return 0;
	return (uint32_t)(rounded / MDI_PAGE_SIZE);
}

enum mdi_block_answer mdi_blocks_take(struct mdi_blocks *blocks, size_t size,
				      size_t align, size_t *offset)
{
	uint32_t pages, first, gap;

	if (align < MDI_BLOCK_ALIGN)
		align = MDI_BLOCK_ALIGN;
	if (size <= MDI_BLOCK_SMALL && align <= MDI_BLOCK_SMALL) {
		unsigned class = aligned_class(size, align);

		if (!take_slot(blocks, class, offset))
			return MDI_BLOCK_FULL;
		mdi_blocks_start_set(mdi_blocks_starts(blocks), *offset, class);
		count_block(blocks, mdi_block_size[class]);
		return MDI_BLOCK_OK;
	}
	pages = pages_of(blocks, size);
	gap = align > MDI_PAGE_SIZE ? pages_of(blocks, align) : 1;
	first = pages != 0 && gap != 0 ? take_run(blocks, pages, gap) : NONE;
	if (first == NONE)
		return MDI_BLOCK_FULL;
	blocks->page[first].kind = MDI_BLOCK_LARGE;
	blocks->page[first].pages = pages;
	count_block(blocks, pages * MDI_PAGE_SIZE);
	*offset = first * MDI_PAGE_SIZE;
	return MDI_BLOCK_OK;
}

/* Of a small block that is in use *@start is not 0. */
static enum mdi_block_answer find(const struct mdi_blocks *blocks,
				  size_t offset, uint8_t *start, size_t *size)
{
	const struct mdi_block_page *page =
		&blocks->page[offset / MDI_PAGE_SIZE];
	uint32_t first;
	size_t inside;

	*start = mdi_blocks_start(mdi_blocks_starts(blocks), offset);
	if (*start != 0) {
		*size = mdi_block_size[*start - 1];
		return MDI_BLOCK_OK;
	}
	switch (page->kind) {
	case MDI_BLOCK_SLAB:
	case MDI_BLOCK_SLAB_PAGE:
		(void)slot_at(blocks, offset, &first, &inside);
		return inside != 0 ? MDI_BLOCK_INSIDE : MDI_BLOCK_FREE;
	case MDI_BLOCK_LARGE:
		if (!mdi_page_aligned(offset))
			return MDI_BLOCK_INSIDE;
		*size = page->pages * MDI_PAGE_SIZE;
		return MDI_BLOCK_OK;
	default:
		return MDI_BLOCK_FREE;
	}
}

enum mdi_block_answer mdi_blocks_size(const struct mdi_blocks *blocks,
				      size_t offset, size_t *size)
{
	uint8_t start;

	return find(blocks, offset, &start, size);
}

enum mdi_block_answer mdi_blocks_give(struct mdi_blocks *blocks, size_t offset)
{
	uint32_t first = (uint32_t)(offset / MDI_PAGE_SIZE);
	enum mdi_block_answer answer;
	size_t size, inside;
	unsigned slot;
	uint8_t start;

	answer = find(blocks, offset, &start, &size);
	if (answer != MDI_BLOCK_OK)
		return answer;
	if (start != 0) {
		/* Another thread may give it at this moment, without a lock. */
		if (!mdi_blocks_start_clear(mdi_blocks_starts(blocks), offset,
					    start))
			return MDI_BLOCK_FREE;
		slot = slot_at(blocks, offset, &first, &inside);
		give_slot(blocks, first, slot);
	} else {
		blocks->page[first].kind = MDI_BLOCK_PART;
		mdi_blocks_give_run(blocks, first, blocks->page[first].pages);
	}
	mdi_blocks_count(blocks, -(int64_t)size, 0, -1);
	return MDI_BLOCK_OK;
}

/* From its own end, or from the free run behind it. */
static enum mdi_block_answer resize_run(struct mdi_blocks *blocks,
					uint32_t first, uint32_t pages)
{
	uint32_t old = blocks->page[first].pages, after = first + old;
	uint32_t more = pages - old, length;

	if (pages > old) {
		if (after >= blocks->pages ||
		    blocks->page[after].kind != MDI_BLOCK_RUN ||
		    blocks->page[after].pages < more)
			return MDI_BLOCK_FULL;
		length = blocks->page[after].pages;
		mdi_blocks_unlink_run(blocks, after);
		if (length > more)
			mdi_blocks_link_run(blocks, after + more,
					    length - more);
		count_bytes(blocks, more * MDI_PAGE_SIZE);
	} else if (pages < old) {
		mdi_blocks_give_run(blocks, first + pages, old - pages);
		blocks->used -= (old - pages) * MDI_PAGE_SIZE;
	}
	blocks->page[first].pages = pages;
	return MDI_BLOCK_OK;
}

enum mdi_block_answer mdi_blocks_resize(struct mdi_blocks *blocks,
					size_t offset, size_t size)
{
	enum mdi_block_answer answer;
	uint32_t pages;
	uint8_t start;
	size_t old;

	answer = find(blocks, offset, &start, &old);
	if (answer != MDI_BLOCK_OK)
		return answer;
	if (start != 0)
		/* Half empty is small enough a loss not to move it. */
		return size <= old && size > old / 2 ? MDI_BLOCK_OK :
						       MDI_BLOCK_FULL;
	if (size <= MDI_BLOCK_SMALL)
		return MDI_BLOCK_FULL;
	pages = pages_of(blocks, size);
	return pages == 0 ? MDI_BLOCK_FULL :
			    resize_run(blocks,
				       (uint32_t)(offset / MDI_PAGE_SIZE),
				       pages);
}
