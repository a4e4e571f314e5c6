/* SPDX-License-Identifier: MIT */
#include "core/range.h"

#include "base/error.h"
#include "core/grant.h"

#include <string.h>

/* An access of nothing asks whether there are any rights. */
static bool may(const struct modiso_module *module,
		const struct modiso_region *region, uint32_t access)
{
	uint32_t rights = mdi_grant_rights(module, region);

	return rights != 0 && (rights & access) == access;
}

size_t mdi_range_reach(const struct modiso_module *module, uintptr_t address,
		       size_t length, uint32_t access)
{
	uintptr_t at = address, end;
	const struct modiso_region *region;

	if (!mdi_range_end(address, length, &end))
		return 0;
	while (at < end) {
		region = mdi_region_at(at);
		if (region == NULL || !may(module, region, access))
			break;
		if (at < mdi_region_start(region))
			break;
		at = region->node.end;
	}
	return (at < end ? at : end) - address;
}

/* A guard page of a stack's is also the end of what lies in front of it. */
static int fail_in_guard(const struct modiso_module *module,
			 const struct modiso_region *stack, uintptr_t address,
			 size_t length, size_t reach)
{
	const struct modiso_region *region =
		mdi_region_at(stack->node.base - 1);
	size_t past = address + reach - stack->node.base;

	if (region == NULL || region->owner != module)
		return mdi_fail(MODISO_ERR_ACCESS,
				"byte %zu of %zu at %#zx is in the guard page "
				"of a stack of %s, which nobody may touch",
				reach, length, (size_t)address,
				stack->owner->name);
	return mdi_fail(MODISO_ERR_ACCESS,
			"byte %zu of %zu at %#zx is in the guard page of a "
			"stack of %s, %zu bytes past the end of its region %s",
			reach, length, (size_t)address, module->name, past,
			region->name);
}

int mdi_range_check(const struct modiso_module *module, uintptr_t address,
		    size_t length, uint32_t access)
{
	const struct modiso_region *region;
	uintptr_t end, first;
	size_t reach;

	if (!mdi_range_end(address, length, &end))
		return mdi_fail(MODISO_ERR_ACCESS,
				"%zu bytes at %#zx wrap around the end of the "
				"address space",
				length, (size_t)address);
	reach = mdi_range_reach(module, address, length, access);
	if (reach == length)
		return 0;
	first = address + reach;
	region = mdi_region_at(first);
	if (region == NULL)
		return mdi_fail(MODISO_ERR_ACCESS,
				"byte %zu of %zu at %#zx is in no region of "
				"module %s",
				reach, length, (size_t)address, module->name);
	if (first < mdi_region_start(region))
		return fail_in_guard(module, region, address, length, reach);
	return mdi_fail(MODISO_ERR_ACCESS,
			"byte %zu of %zu at %#zx is in region %s of %s, which "
			"module %s may not %s",
			reach, length, (size_t)address, region->name,
			region->owner->name, module->name,
			access & MODISO_WRITE  ? "write to" :
			access & MODISO_READ ? "read" :
					       "execute");
}

static MDI_TLS volatile struct mdi_range_side watched;

bool mdi_copy_covers(uintptr_t address)
{
	return address - watched.base < watched.length;
}

struct mdi_range_side mdi_range_watch(uintptr_t base, size_t length)
{
	struct mdi_range_side outer = {watched.base, watched.length};

	watched.base = base;
	watched.length = length;
	return outer;
}

void mdi_range_unwatch(struct mdi_range_side outer)
{
	watched.length = outer.length;
	watched.base = outer.base;
}

static int copy(void *to, const void *from, size_t length, uintptr_t base,
		size_t reach)
{
	struct mdi_range_side outer = mdi_range_watch(base, reach);
	const struct modiso_region *region;
	int failed = mdi_copy(to, from, length);

	mdi_range_unwatch(outer);
	if (!failed)
		return 0;
	region = mdi_region_at(base);
	return mdi_fail(MODISO_ERR_FAULT,
			"memory went away while %zu bytes were copied from %p "
			"to %p (region %s%s)",
			length, from, to, region ? region->name : "none",
			region && region->shared ? ", shared" : "");
}

int mdi_range_copy(void *to, const void *from, size_t length, const void *side)
{
	return copy(to, from, length, (uintptr_t)side, length);
}

int mdi_range_copy_within(const struct modiso_region *region, void *to,
			  const void *from, size_t length)
{
	return copy(to, from, length, region->node.base,
		    region->node.end - region->node.base);
}

int mdi_range_strnlen(const struct modiso_module *module, const char *string,
		      size_t max, size_t *length)
{
	char piece[256];
	size_t done = 0, want, found;
	int result;

	while (done < max) {
		want = max - done < sizeof(piece) ? max - done : sizeof(piece);
		want = mdi_range_reach(module, (uintptr_t)string + done, want,
				       MODISO_READ);
		if (want == 0)
			return mdi_range_check(module,
					       (uintptr_t)string + done, 1,
					       MODISO_READ);
		result = mdi_range_copy(piece, string + done, want,
					string + done);
		if (result != 0)
			return result;
		found = strnlen(piece, want);
		if (found < want) {
			*length = done + found;
			return 0;
		}
		done += want;
	}
	return mdi_fail(MODISO_ERR_LIMIT, "no zero in the first %zu bytes",
			max);
}
