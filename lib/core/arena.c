/* SPDX-License-Identifier: MIT */
#include "core/arena.h"

#include "base/error.h"
#include "core/state.h"
#include "core/vault.h"
#include "os/memory.h"

#include <string.h>

/*
 * The first page is nobody's: what lies in front of the range can be code of
 * the host, and an instruction that begins there must not end in a module's.
 */
#define EDGE MDI_PAGE_SIZE

/*
 * Far from where the kernel puts mappings of itself, so that nothing of others
 * comes in between. At random, as these are.
 */
#define AWAY ((uintptr_t)64 << 30)

static struct mdi_arena_state *const own = &mdi_core_state.arena;

/* Where the next range is wished: beside another one. */
static void *wish(size_t length)
{
	uintptr_t low = (uintptr_t)own->low;

	if (own->hole_length >= length)
		return own->hole + own->hole_length - length;
	if (low == 0 && (uintptr_t)mdi_arch_state.blocks > AWAY)
		low = (uintptr_t)mdi_arch_state.blocks - AWAY;
	return low > length ? (void *)(low - length) : NULL;
}

static void note_taken(char *base, size_t length)
{
	if (own->hole_length >= length &&
	    base == own->hole + own->hole_length - length)
		own->hole_length -= length;
	else if (own->low == NULL || base + length == own->low)
		own->low = base;
}

/* One hole is remembered, the last one with what is free beside it. */
static void note_free(char *base, size_t length)
{
	if (own->hole_length != 0 && own->hole == base + length) {
		length += own->hole_length;
	} else if (own->hole_length != 0 &&
		   own->hole + own->hole_length == base) {
		base = own->hole;
		length += own->hole_length;
	}
	own->hole = base;
	own->hole_length = length;
	if (base != own->low)
		return;
	own->low += length;
	own->hole_length = 0;
}

int mdi_arena_init(struct mdi_arena *arena, size_t room, size_t length)
{
	const char *call;

	length += EDGE + 2 * room;
	*arena = (struct mdi_arena){ .length = length };
	arena->base = mdi_mem_reserve_at(wish(length), length, &call);
	if (arena->base == NULL)
		return mdi_fail_os(call, "%zu bytes of address space",
				   length);
	note_taken(arena->base, length);
	arena->floor = arena->base + EDGE + room;
	arena->ceiling = arena->base + length - room;
	arena->free_room = 4;
	arena->free = mdi_vault_alloc(arena->free_room * sizeof(*arena->free));
	if (arena->free == NULL) {
		mdi_mem_release(arena->base, length);
		note_free(arena->base, length);
		return mdi_fail_memory("the list of an address range");
	}
	arena->free[0] = (struct mdi_extent){ arena->base + EDGE,
					      length - EDGE };
	arena->free_count = 1;
	return 0;
}

void mdi_arena_fini(struct mdi_arena *arena)
{
	mdi_mem_release(arena->base, arena->length);
	mdi_arena_forget(arena);
}

void mdi_arena_forget(struct mdi_arena *arena)
{
	note_free(arena->base, arena->length);
	mdi_vault_free(arena->free, arena->free_room * sizeof(*arena->free));
}

void mdi_arena_reset(void)
{
	*own = (struct mdi_arena_state){ 0 };
}

/* What @extent has of [low, high); nothing: of length 0. */
static struct mdi_extent part_of(struct mdi_extent extent, char *low,
				 char *high)
{
	char *end = extent.base + extent.length;

	if (extent.base < low)
		extent.base = low;
	if (end > high)
		end = high;
	extent.length = end > extent.base ? (size_t)(end - extent.base) : 0;
	return extent;
}

/* A free piece of [low, high): its lowest pages or its highest; or NULL. */
static char *find(const struct mdi_arena *arena, char *low, char *high,
		  size_t length, bool from_top)
{
	for (size_t n = 0; n < arena->free_count; n++) {
		size_t i = from_top ? arena->free_count - 1 - n : n;
		struct mdi_extent part = part_of(arena->free[i], low, high);

		if (part.length >= length)
			return from_top ? part.base + part.length - length :
					  part.base;
	}
	return NULL;
}

bool mdi_arena_fits(const struct mdi_arena *arena, size_t length)
{
	return find(arena, arena->floor, arena->ceiling, length, false) != NULL;
}

static void remove_extent(struct mdi_arena *arena, size_t i)
{
	arena->free_count--;
	memmove(&arena->free[i], &arena->free[i + 1],
		(arena->free_count - i) * sizeof(*arena->free));
}

/* Grow ahead of need, where failing is still an answer. */
static bool keep_room(struct mdi_arena *arena)
{
	size_t room = arena->free_room * 2;
	struct mdi_extent *more;

	if (arena->free_count + 2 <= arena->free_room)
		return true;
	more = mdi_vault_alloc(room * sizeof(*more));
	if (more == NULL)
		return false;
	memcpy(more, arena->free, arena->free_count * sizeof(*more));
	mdi_vault_free(arena->free, arena->free_room * sizeof(*more));
	arena->free = more;
	arena->free_room = room;
	return true;
}

char *mdi_arena_take(struct mdi_arena *arena, size_t length, bool from_top)
{
	char *base = find(arena, arena->floor, arena->ceiling, length,
			  from_top);

	return base != NULL && mdi_arena_take_at(arena, base, length) ? base :
									NULL;
}

char *mdi_arena_take_top(struct mdi_arena *arena, size_t length)
{
	char *base = find(arena, arena->floor, arena->base + arena->length,
			  length, true);

	return base != NULL && mdi_arena_take_at(arena, base, length) ? base :
									NULL;
}

bool mdi_arena_take_at(struct mdi_arena *arena, char *base, size_t length)
{
	struct mdi_extent *extent;
	size_t i = 0, above;
	char *end;

	if (!keep_room(arena))
		return false;
	extent = arena->free;
	while (i < arena->free_count &&
	       extent[i].base + extent[i].length <= base)
		i++;
	if (i == arena->free_count || extent[i].base > base)
		return false;
	end = extent[i].base + extent[i].length;
	if ((size_t)(end - base) < length)
		return false;
	above = (size_t)(end - base) - length;
	extent[i].length = (size_t)(base - extent[i].base);
	if (above != 0 && extent[i].length != 0) {
		memmove(&extent[i + 1], &extent[i],
			(arena->free_count - i) * sizeof(*extent));
		arena->free_count++;
		i++;
	}
	if (above != 0)
		extent[i] = (struct mdi_extent){ base + length, above };
	else if (extent[i].length == 0)
		remove_extent(arena, i);
	return true;
}

void mdi_arena_give(struct mdi_arena *arena, char *base, size_t length)
{
	struct mdi_extent *free = arena->free;
	size_t i = 0;
	bool joins_below, joins_above;

	while (i < arena->free_count && free[i].base < base)
		i++;
	joins_below = i > 0 && free[i - 1].base + free[i - 1].length == base;
	joins_above = i < arena->free_count && base + length == free[i].base;
	if (joins_below && joins_above) {
		free[i - 1].length += length + free[i].length;
		remove_extent(arena, i);
	} else if (joins_below) {
		free[i - 1].length += length;
	} else if (joins_above) {
		free[i].base = base;
		free[i].length += length;
	} else if (keep_room(arena)) {
		free = arena->free;
		memmove(&free[i + 1], &free[i],
			(arena->free_count - i) * sizeof(*free));
		free[i] = (struct mdi_extent){ base, length };
		arena->free_count++;
	}
	/* Without room to note it the piece stays unused: lost, not shared. */
}
