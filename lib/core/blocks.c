/* SPDX-License-Identifier: MIT */
#include "core/blocks.h"

#define NONE UINT32_MAX
#define SMALL_MAX ((size_t)2048)

enum kind {
	INSIDE,   /* of a run, or of nothing: says nothing */
	RUN_FREE, /* first page of a free run */
	RUN_END,  /* last page of a free run of two or more */
	LARGE,    /* first page of a block */
	SLAB,     /* first page of a slab */
	SLAB_PAGE /* a later one; next is the first */
};

static const uint16_t class_size[MDI_BLOCK_CLASSES] = {
	16,  32,  48,  64,  80,  96,   112,  128,  160,  192,  224,  256,
	320, 384, 448, 512, 640, 768,  896,  1024, 1280, 1536, 1792, 2048,
};

/* --- free runs --- */

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

static void link_run(struct mdi_blocks *blocks, uint32_t first, uint32_t pages)
{
	struct mdi_block_page *page = &blocks->page[first];
	unsigned level, bin;
	uint32_t *head;

	bin_of(pages, &level, &bin);
	head = &blocks->run[level][bin];
	page->kind = RUN_FREE;
	page->pages = pages;
	page->prev = NONE;
	page->next = *head;
	if (*head != NONE)
		blocks->page[*head].prev = first;
	*head = first;
	blocks->bins[level] |= (uint8_t)(1u << bin);
	blocks->levels |= 1u << level;
	if (pages > 1) {
		blocks->page[first + pages - 1].kind = RUN_END;
		blocks->page[first + pages - 1].pages = pages;
	}
}

static void unlink_run(struct mdi_blocks *blocks, uint32_t first)
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
	blocks->page[first + page->pages - 1].kind = INSIDE;
	page->kind = INSIDE;
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

static void give_run(struct mdi_blocks *blocks, uint32_t first, uint32_t pages)
{
	uint32_t after = first + pages;

	if (after < blocks->pages && blocks->page[after].kind == RUN_FREE) {
		pages += blocks->page[after].pages;
		unlink_run(blocks, after);
	}
	if (first > 0) {
		uint32_t before = first - 1;

		if (blocks->page[before].kind == RUN_END)
			before = first - blocks->page[before].pages;
		if (blocks->page[before].kind == RUN_FREE) {
			pages += blocks->page[before].pages;
			first = before;
			unlink_run(blocks, before);
		}
	}
	link_run(blocks, first, pages);
}

/* Slabs that are empty, and kept for the next block of their size. */
static void give_empty_slabs(struct mdi_blocks *blocks);

static uint32_t take_run(struct mdi_blocks *blocks, uint32_t pages,
			 uint32_t align)
{
	uint32_t room = pages + align - 1, first, front, length;

	if (room < pages || room > blocks->pages)
		return NONE;
	first = find_run(blocks, room);
	if (first == NONE) {
		give_empty_slabs(blocks);
		first = find_run(blocks, room);
	}
	if (first == NONE)
		return NONE;
	length = blocks->page[first].pages;
	unlink_run(blocks, first);
	front = -(blocks->origin + first) & (align - 1);
	if (front != 0)
		link_run(blocks, first, front);
	if (length > front + pages)
		link_run(blocks, first + front + pages,
			 length - front - pages);
	return first + front;
}

/* --- slabs --- */

static uint32_t slab_pages(unsigned class)
{
	return class_size[class] <= 256 ? 1 : class_size[class] <= 1024 ? 4 : 8;
}

static unsigned slab_slots(unsigned class)
{
	return (unsigned)(slab_pages(class) * MDI_PAGE_SIZE /
			  class_size[class]);
}

/* The smallest that holds @size bytes. */
static unsigned class_of(size_t size)
{
	unsigned log;

	if (size <= 128)
		return (unsigned)((size - 1) / 16);
	log = log2_of((uint32_t)(size - 1)); /* 7 for 129 to 256 */
	return 8 + (log - 7) * 4 +
	       (unsigned)((size - 1) >> (log - 2) & 3);
}

/* All slots begin at multiples of the class's size, from a page on. */
static unsigned aligned_class(size_t size, size_t align)
{
	unsigned class = class_of(size > align ? size : align);

	while (class_size[class] & (align - 1))
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

static uint32_t new_slab(struct mdi_blocks *blocks, unsigned class)
{
	uint32_t pages = slab_pages(class);
	uint32_t first = take_run(blocks, pages, 1);
	struct mdi_block_page *page;

	if (first == NONE)
		return NONE;
	page = &blocks->page[first];
	*page = (struct mdi_block_page){
		.kind = SLAB,
		.class = (uint8_t)class,
		.pages = pages,
	};
	/* Slots that are not there count as taken. */
	for (unsigned slot = slab_slots(class); slot < MDI_BLOCK_SLOTS; slot++)
		page->taken[slot / 64] |= (uint64_t)1 << (slot % 64);
	for (uint32_t i = 1; i < pages; i++) {
		blocks->page[first + i].kind = SLAB_PAGE;
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
		blocks->page[first + i].kind = INSIDE;
	give_run(blocks, first, pages);
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
		  (size_t)(word * 64 + bit) * class_size[class];
	return true;
}

/* The slot that begins at @offset. */
static enum mdi_block_answer find_slot(const struct mdi_blocks *blocks,
				       size_t offset, uint32_t *first,
				       unsigned *slot)
{
	const struct mdi_block_page *page;
	uint32_t at = (uint32_t)(offset / MDI_PAGE_SIZE), distance;

	if (blocks->page[at].kind == SLAB_PAGE)
		at = blocks->page[at].next;
	page = &blocks->page[at];
	distance = (uint32_t)(offset - at * MDI_PAGE_SIZE);
	if (distance % class_size[page->class] != 0)
		return MDI_BLOCK_INSIDE;
	*first = at;
	*slot = distance / class_size[page->class];
	if (*slot >= slab_slots(page->class) ||
	    !(page->taken[*slot / 64] >> (*slot % 64) & 1))
		return MDI_BLOCK_FREE;
	return MDI_BLOCK_OK;
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

/* --- blocks --- */

static void count(struct mdi_blocks *blocks, size_t bytes)
{
	blocks->used += bytes;
	if (blocks->used > blocks->peak)
		blocks->peak = blocks->used;
}

size_t mdi_blocks_room(size_t pages)
{
	return sizeof(struct mdi_blocks) +
	       pages * sizeof(struct mdi_block_page);
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
	link_run(blocks, 0, blocks->pages);
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
	if (size <= SMALL_MAX && align <= SMALL_MAX) {
		unsigned class = aligned_class(size, align);

		if (!take_slot(blocks, class, offset))
			return MDI_BLOCK_FULL;
		blocks->count++;
		count(blocks, class_size[class]);
		return MDI_BLOCK_OK;
	}
	pages = pages_of(blocks, size);
	gap = align > MDI_PAGE_SIZE ? pages_of(blocks, align) : 1;
	first = pages != 0 && gap != 0 ? take_run(blocks, pages, gap) : NONE;
	if (first == NONE)
		return MDI_BLOCK_FULL;
	blocks->page[first].kind = LARGE;
	blocks->page[first].pages = pages;
	blocks->count++;
	count(blocks, pages * MDI_PAGE_SIZE);
	*offset = first * MDI_PAGE_SIZE;
	return MDI_BLOCK_OK;
}

static enum mdi_block_answer find(const struct mdi_blocks *blocks,
				  size_t offset, uint32_t *first,
				  unsigned *slot, size_t *size)
{
	enum mdi_block_answer answer;

	*first = (uint32_t)(offset / MDI_PAGE_SIZE);
	switch (blocks->page[*first].kind) {
	case SLAB:
	case SLAB_PAGE:
		answer = find_slot(blocks, offset, first, slot);
		if (answer == MDI_BLOCK_OK)
			*size = class_size[blocks->page[*first].class];
		return answer;
	case LARGE:
		if (!mdi_page_aligned(offset))
			return MDI_BLOCK_INSIDE;
		*size = blocks->page[*first].pages * MDI_PAGE_SIZE;
		return MDI_BLOCK_OK;
	default:
		return MDI_BLOCK_FREE;
	}
}

enum mdi_block_answer mdi_blocks_size(const struct mdi_blocks *blocks,
				      size_t offset, size_t *size)
{
	uint32_t first;
	unsigned slot;

	return find(blocks, offset, &first, &slot, size);
}

enum mdi_block_answer mdi_blocks_give(struct mdi_blocks *blocks, size_t offset)
{
	enum mdi_block_answer answer;
	uint32_t first;
	unsigned slot;
	size_t size;

	answer = find(blocks, offset, &first, &slot, &size);
	if (answer != MDI_BLOCK_OK)
		return answer;
	blocks->count--;
	blocks->used -= size;
	if (blocks->page[first].kind == LARGE) {
		blocks->page[first].kind = INSIDE;
		give_run(blocks, first, blocks->page[first].pages);
	} else {
		give_slot(blocks, first, slot);
	}
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
		    blocks->page[after].kind != RUN_FREE ||
		    blocks->page[after].pages < more)
			return MDI_BLOCK_FULL;
		length = blocks->page[after].pages;
		unlink_run(blocks, after);
		if (length > more)
			link_run(blocks, after + more, length - more);
		count(blocks, more * MDI_PAGE_SIZE);
	} else if (pages < old) {
		give_run(blocks, first + pages, old - pages);
		blocks->used -= (old - pages) * MDI_PAGE_SIZE;
	}
	blocks->page[first].pages = pages;
	return MDI_BLOCK_OK;
}

enum mdi_block_answer mdi_blocks_resize(struct mdi_blocks *blocks,
					size_t offset, size_t size)
{
	enum mdi_block_answer answer;
	uint32_t first, pages;
	unsigned slot;
	size_t old;

	answer = find(blocks, offset, &first, &slot, &old);
	if (answer != MDI_BLOCK_OK)
		return answer;
	if (blocks->page[first].kind != LARGE)
		/* Half empty is small enough a loss not to move it. */
		return size <= old && size > old / 2 ? MDI_BLOCK_OK :
						       MDI_BLOCK_FULL;
	if (size <= SMALL_MAX)
		return MDI_BLOCK_FULL;
	pages = pages_of(blocks, size);
	return pages == 0 ? MDI_BLOCK_FULL : resize_run(blocks, first, pages);
}
