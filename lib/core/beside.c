/* SPDX-License-Identifier: MIT */
#include "core/beside.h"

#include "core/grant.h"
#include "core/region.h"

#include <string.h>

/* Farther away it is no neighbour. */
#define FAR_OFF ((size_t)1 << 20)

/* The next ones on either side, whatever holds the address itself. */
struct beside {
	const struct modiso_region *below, *above;
	size_t past, before; /* the distances */
};

static bool in_guard(const struct mdi_trap *trap)
{
	return trap->place.at != NULL &&
	       trap->event.address < mdi_region_start(trap->place.at);
}

static struct beside find(const struct mdi_trap *trap)
{
	const struct mdi_region_place *place = &trap->place;
	struct beside beside = {
		.below = place->below,
		.above = in_guard(trap) ? place->at : place->above,
	};

	if (beside.below != NULL)
		beside.past = trap->event.address - beside.below->node.end;
	if (beside.above != NULL)
		beside.before = mdi_region_start(beside.above) -
				trap->event.address;
	return beside;
}

/* A region may have come or gone since it was found: then it is not near. */
static void record(struct modiso_fault_beside *to,
		   const struct modiso_region *region, size_t distance)
{
	if (region == NULL || distance > FAR_OFF)
		return;
	to->base = mdi_region_start(region);
	to->length = region->node.end - to->base;
	to->distance = distance;
	if (region->owner->domain.kind == MDI_DOMAIN_MODULE)
		to->owner_id = region->owner->id;
	memcpy(to->name, region->name, sizeof(to->name) - 1);
	memcpy(to->owner_name, region->owner->name, sizeof(to->name) - 1);
}

/* What the module may use, it can run off the end of; nobody runs off code. */
static bool may_use(const struct mdi_trap *trap,
		    const struct modiso_region *region)
{
	const struct modiso_module *module = mdi_domain_module(trap->domain);
	uint32_t rights = region ? mdi_grant_rights(module, region) : 0;

	return rights != 0 && !(rights & MODISO_EXEC);
}

/* Who may only read a region does not write up to its end, and further. */
static bool may_have_left(const struct mdi_trap *trap,
			  const struct modiso_region *region)
{
	const struct modiso_module *module = mdi_domain_module(trap->domain);

	return may_use(trap, region) &&
	       (trap->access == 0 ||
		(mdi_grant_rights(module, region) & trap->access) != 0);
}

/*
 * The nearer end is the one that was left, and within a page: what is farther
 * away was never meant. Inside of a region that the module may use it is the
 * right that was missing, not the place that was wrong.
 */
static uint32_t overrun(const struct mdi_trap *trap,
			const struct beside *beside)
{
	bool past = beside->past < MDI_PAGE_SIZE &&
		    may_have_left(trap, beside->below);
	bool before = beside->before <= MDI_PAGE_SIZE &&
		      may_have_left(trap, beside->above);

	if (!in_guard(trap) && may_use(trap, trap->place.at))
		return MODISO_OVERRUN_NONE;
	if (past && (!before || beside->past < beside->before))
		return MODISO_OVERRUN_PAST;
	return before ? MODISO_OVERRUN_BEFORE : MODISO_OVERRUN_NONE;
}

void mdi_beside_record(struct modiso_fault *fault, const struct mdi_trap *trap)
{
	const struct beside beside = find(trap);

	record(&fault->below, beside.below, beside.past);
	record(&fault->above, beside.above, beside.before);
	fault->overrun = overrun(trap, &beside);
}

static bool in_range_of(const struct modiso_region *region, uintptr_t address)
{
	const struct mdi_arena *arena;

	if (region == NULL)
		return false;
	arena = &region->owner->arena;
	return address - (uintptr_t)arena->base < arena->length;
}

bool mdi_beside_is_void(const struct mdi_trap *trap)
{
	struct beside beside;

	if (trap->event.kind != MDI_EVENT_VOID)
		return false;
	if (trap->place.at != NULL)
		return in_guard(trap);
	beside = find(trap);
	return in_range_of(beside.below, trap->event.address) ||
	       in_range_of(beside.above, trap->event.address);
}
