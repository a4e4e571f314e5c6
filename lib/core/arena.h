/* SPDX-License-Identifier: MIT */
/*
 * core/arena.h - one reserved address range, and who has which part of it.
 *
 * What is taken where is said in core/layout.h: so that pages of one protection
 * lie side by side. So do the ranges, each below the last one, as long as the
 * kernel has these addresses: who closes two of them does so in one call.
 */
#ifndef MDI_CORE_ARENA_H
#define MDI_CORE_ARENA_H

#include "base/common.h"

struct mdi_extent {
	char *base;
	size_t length;
};

/*
 * In the middle between floor and ceiling is what anybody may have; the rooms
 * below and above are for who asks for them.
 */
struct mdi_arena {
	char *base;
	size_t length;
	char *floor, *ceiling;
	struct mdi_extent *free; /* sorted by address */
	size_t free_count, free_room;
};

/*
 * @room: bytes below the floor, and as many above the ceiling; @length: between
 * them. 0, or MODISO_ERR_OS or _NOMEM. The library's lock is held in all of
 * these.
 */
int mdi_arena_init(struct mdi_arena *arena, size_t room, size_t length);
void mdi_arena_fini(struct mdi_arena *arena);
/* The same when the range is unmapped already. */
void mdi_arena_forget(struct mdi_arena *arena);
/* No range is left. */
void mdi_arena_reset(void);

/* Is there a free piece of this length in the middle? */
bool mdi_arena_fits(const struct mdi_arena *arena, size_t length);

/* In the middle. NULL when there is no room, or no memory to note it. */
char *mdi_arena_take(struct mdi_arena *arena, size_t length, bool from_top);
/* The highest piece above the floor, which may be above the ceiling. */
char *mdi_arena_take_top(struct mdi_arena *arena, size_t length);
/* For one place anywhere; false also when a part of it is not free. */
bool mdi_arena_take_at(struct mdi_arena *arena, char *base, size_t length);
/* Cannot fail; without memory to note it, the piece stays unused. */
void mdi_arena_give(struct mdi_arena *arena, char *base, size_t length);

#endif /* MDI_CORE_ARENA_H */
