/* SPDX-License-Identifier: MIT */
/* Is this memory fit to be adopted? The kernel's own list decides. */
#include "core/region.h"

#include "base/error.h"
#include "core/runtime.h"
#include "os/maps.h"

#include <errno.h>

static int check_mapping(const struct mdi_mapping *map, uintptr_t sp)
{
	if (map->hugetlb)
		return mdi_fail(MODISO_ERR_NOTSUP,
				"%#zx-%#zx are huge pages of hugetlbfs; keys "
				"and permissions need their own granularity",
				(size_t)map->base, (size_t)map->end);
	if (map->stack || (sp >= map->base && sp < map->end))
		return mdi_fail(MODISO_ERR_ACCESS,
				"%#zx-%#zx hold the stack of this thread",
				(size_t)map->base, (size_t)map->end);
	if (map->exec)
		return mdi_fail(MODISO_ERR_ACCESS,
				"%#zx-%#zx are executable", (size_t)map->base,
				(size_t)map->end);
	if (!map->read || !map->write)
		return mdi_fail(MODISO_ERR_ACCESS,
				"%#zx-%#zx are not readable and writable",
				(size_t)map->base, (size_t)map->end);
	if (map->key > 0)
		return mdi_fail(MODISO_ERR_BUSY,
				"%#zx-%#zx carry protection key %d of somebody "
				"else",
				(size_t)map->base, (size_t)map->end, map->key);
	return 0;
}

struct walk {
	uintptr_t next; /* all below is mapped and fit */
	uintptr_t end, sp;
	int result;
};

static bool visit(const struct mdi_mapping *map, void *arg)
{
	struct walk *walk = arg;

	if (map->end <= walk->next)
		return true;
	if (map->base > walk->next)
		return false; /* a hole */
	walk->result = check_mapping(map, walk->sp);
	if (walk->result != 0)
		return false;
	walk->next = map->end;
	return walk->next < walk->end;
}

int mdi_adopt_check(uintptr_t base, uintptr_t end)
{
	struct walk walk = {
		.next = base,
		.end = end,
		.sp = (uintptr_t)__builtin_frame_address(0),
	};
	const struct mdi_addrnode *other = mdi_addrmap_overlap(base, end);

	if (other != NULL)
		return mdi_fail(MODISO_ERR_BUSY,
				"%#zx-%#zx are in a region already",
				(size_t)other->base, (size_t)other->end);
	if (mdi_runtime_overlaps(base, end))
		return mdi_fail(MODISO_ERR_BUSY,
				"a part of %#zx-%#zx belongs to the library",
				(size_t)base, (size_t)end);
	if (mdi_maps_walk(visit, &walk) != 0)
		return mdi_fail_os("open", "/proc/self/smaps");
	if (walk.result != 0)
		return walk.result;
	if (walk.next < end)
		return mdi_fail(MODISO_ERR_NOENT,
				"nothing is mapped at %#zx of %#zx-%#zx",
				(size_t)walk.next, (size_t)base, (size_t)end);
	return 0;
}
