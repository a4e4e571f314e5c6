/* SPDX-License-Identifier: MIT */
#include "core/layout.h"

#include "core/region.h"
#include "os/memory.h"

#define SHARE 16
#define LEAST ((size_t)1 << 20)

size_t mdi_layout_room(size_t range)
{
	size_t share = range / SHARE & ~(MDI_PAGE_SIZE - 1);

	return share < LEAST ? LEAST : share;
}

static bool lies_among(const struct modiso_module *owner, const char *address,
		       uint32_t place)
{
	const struct modiso_region *region = mdi_region_at((uintptr_t)address);

	return region != NULL && region->owner == owner &&
	       region->place == place && !mdi_region_apart(region);
}

/*
 * Beside pages that are in that place already; NULL: there is no room. Code may
 * lie in the rooms at the ends, where images and other code are.
 */
static char *find_beside(const struct modiso_module *owner, size_t length,
			 uint32_t place)
{
	const struct mdi_arena *arena = &owner->arena;
	bool from_top = !(place & MODISO_WRITE), anywhere = place & MODISO_EXEC;

	for (size_t n = 0; n < arena->free_count; n++) {
		const struct mdi_extent *extent =
			&arena->free[from_top ? arena->free_count - 1 - n : n];
		char *base = extent->base, *end = base + extent->length;

		if (!anywhere && base < arena->floor)
			base = arena->floor;
		if (!anywhere && end > arena->ceiling)
			end = arena->ceiling;
		if (end < base || (size_t)(end - base) < length)
			continue;
		if (lies_among(owner, end, place))
			return end - length;
		if (lies_among(owner, base - 1, place))
			return base;
	}
	return NULL;
}

char *mdi_layout_take(struct modiso_module *owner, size_t length,
		      uint32_t place)
{
	struct mdi_arena *arena = &owner->arena;
	char *base = find_beside(owner, length, place);

	if (base != NULL && mdi_arena_take_at(arena, base, length))
		return base;
	if (place & MODISO_EXEC)
		return mdi_arena_take_top(arena, length);
	return mdi_arena_take(arena, length, !(place & MODISO_WRITE));
}

char *mdi_layout_take_image(struct modiso_module *owner, size_t length,
			    bool *low)
{
	struct mdi_arena *arena = &owner->arena;

	*low = length <= (size_t)(arena->floor - arena->base) &&
	       mdi_arena_take_at(arena, arena->floor - length, length);
	return *low ? arena->floor - length : mdi_arena_take_top(arena, length);
}
