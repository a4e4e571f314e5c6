/* SPDX-License-Identifier: MIT */
#include "core/caller.h"

#include "base/error.h"
#include "core/fault.h"
#include "core/frames.h"
#include "core/grant.h"
#include "core/range.h"
#include "core/region.h"
#include "core/runtime.h"

#include <errno.h>
#include <string.h>

/*
 * No program has memory from here on, unless it asks the kernel for it. Of some
 * such addresses the CPU does not say which one has faulted.
 */
#define USERS_END ((uintptr_t)1 << 47)

/* Memory in no region, as far as the library knows it. */
static bool open_outside(const struct modiso_module *module, uint32_t access)
{
	switch (module->domain.confinement) {
	case MODISO_CONFINE_GUARD:
		return true;
	case MODISO_CONFINE_READONLY:
		return !(access & MODISO_WRITE);
	default:
		return false;
	}
}

static bool librarys(uintptr_t base, uintptr_t end)
{
	bool is;

	mdi_runtime_lock();
	is = mdi_runtime_overlaps(base, end);
	mdi_runtime_unlock();
	return is;
}

/* The end of what @module may touch from @at on; @at: not even that byte. */
static uintptr_t step(const struct modiso_module *module, uintptr_t at,
		      uintptr_t end, uint32_t access)
{
	const struct modiso_region *region = mdi_region_at(at);
	uint32_t rights;

	if (region != NULL) {
		rights = mdi_grant_rights(module, region);
		if (at < mdi_region_start(region) ||
		    (rights & access) != access)
			return at;
		return region->node.end < end ? region->node.end : end;
	}
	region = mdi_region_at_or_above(at);
	if (region != NULL && region->node.base < end)
		end = region->node.base;
	if (at >= USERS_END)
		return at;
	if (end > USERS_END)
		end = USERS_END;
	return open_outside(module, access) && !librarys(at, end) ? end : at;
}

size_t mdi_caller_reach(const struct modiso_module *module, uintptr_t address,
			size_t length, uint32_t access)
{
	uintptr_t at = address, end, next;

	if (__builtin_add_overflow(address, length, &end))
		end = UINTPTR_MAX;
	while (at < end) {
		next = step(module, at, end, access);
		if (next == at)
			break;
		at = next;
	}
	return at - address;
}

static int check(const struct modiso_module *module, uintptr_t address,
		 size_t length, uint32_t access, uintptr_t *bad)
{
	size_t reach = mdi_caller_reach(module, address, length, access);

	if (reach == length)
		return 0;
	*bad = address + reach;
	return mdi_fail(MODISO_ERR_ACCESS,
			"byte %zu of %zu at %#zx is memory that module %s may "
			"not %s",
			reach, length, (size_t)address, module->name,
			access & MODISO_WRITE ? "write to" : "read");
}

int mdi_caller_try_read(const struct modiso_module *module, void *to,
			uintptr_t from, size_t length, uintptr_t *bad)
{
	int result;

	if (module == NULL) {
		memcpy(to, (const void *)from, length);
		return 0;
	}
	result = check(module, from, length, MODISO_READ, bad);
	if (result != 0)
		return result;
	*bad = from;
	return mdi_range_copy(to, (const void *)from, length,
			      (const void *)from);
}

int mdi_caller_try_write(const struct modiso_module *module, uintptr_t to,
			 const void *from, size_t length, uintptr_t *bad)
{
	int result;

	if (module == NULL) {
		memcpy((void *)to, from, length);
		return 0;
	}
	result = check(module, to, length, MODISO_READ | MODISO_WRITE, bad);
	if (result != 0)
		return result;
	*bad = to;
	return mdi_range_copy((void *)to, from, length, (const void *)to);
}

MDI_NORETURN void mdi_caller_end(uint32_t kind, uintptr_t detail)
{
	mdi_fault_in_service(mdi_thread_self(), kind, detail);
}

void mdi_caller_read(void *to, uintptr_t from, size_t length)
{
	uintptr_t bad;
	int saved = errno;

	if (mdi_caller_try_read(mdi_frames_module(), to, from, length, &bad))
		mdi_caller_end(MODISO_FAULT_ACCESS, bad);
	errno = saved;
}

void mdi_caller_write(uintptr_t to, const void *from, size_t length)
{
	uintptr_t bad;
	int saved = errno;

	if (mdi_caller_try_write(mdi_frames_module(), to, from, length, &bad))
		mdi_caller_end(MODISO_FAULT_ACCESS, bad);
	errno = saved;
}

size_t mdi_caller_read_some(void *to, uintptr_t from, size_t length)
{
	const struct modiso_module *module = mdi_frames_module();
	/* To a page's end: what lies in no region may end there. */
	size_t some = MDI_PAGE_SIZE - from % MDI_PAGE_SIZE;

	if (some > length)
		some = length;
	/* A host's string may end at any byte. */
	if (module == NULL)
		some = 1;
	else if (mdi_region_at(from) != NULL)
		some = mdi_caller_reach(module, from, some, MODISO_READ);
	mdi_caller_read(to, from, some == 0 ? 1 : some);
	return some;
}
