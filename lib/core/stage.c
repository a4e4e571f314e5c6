/* SPDX-License-Identifier: MIT */
/*
 * Pages in a module's range that are in no region yet: an image is built there,
 * and they become regions when nothing in them changes any more.
 */
#include "core/region.h"

#include "base/error.h"
#include "core/layout.h"
#include "os/file.h"
#include "os/memory.h"

#include <errno.h>

/* The first stack, which exists already, is to be one run with an image. */
static int open_guard(struct modiso_module *owner)
{
	char *guard = owner->arena.floor;
	int result = 0;

	if (owner->guard_opens || !MDI_GUARD_IS_VOID)
		return 0;
	if (owner->stack_base == NULL) {
		if (mdi_guard_make(guard) != 0)
			return mdi_fail_os("mremap", "a guard page");
		result = mdi_region_give_pages(owner, guard, MDI_GUARD_SIZE,
					       MODISO_READ | MODISO_WRITE,
					       MDI_WAS_FRESH, false);
	}
	owner->guard_opens = result == 0;
	return result;
}

static int begin(void *arg)
{
	((struct mdi_domain *)arg)->staged++;
	return 0;
}

static int end(void *arg)
{
	((struct mdi_domain *)arg)->staged--;
	return 0;
}

void mdi_region_stage_begin(struct modiso_module *owner)
{
	(void)mdi_backend_steady(begin, &owner->domain);
}

void mdi_region_stage_end(struct modiso_module *owner)
{
	(void)mdi_backend_steady(end, &owner->domain);
}

int mdi_region_stage_pages(char *base, size_t length)
{
	if (mdi_mem_stage(base, length) != 0)
		return mdi_fail_os("mmap", "%zu bytes to build an image in",
				   length);
	return mdi_backend_protect_own(mdi_backend_now, base, length,
				       MDI_OWN_CLOSED);
}

int mdi_region_stage(struct modiso_module *owner, size_t length, size_t bare,
		     bool data_last, char **out)
{
	bool low;
	char *base = mdi_layout_take_image(owner, length, &low);
	int result;

	if (base == NULL)
		return mdi_region_no_room(owner, length);
	result = mdi_region_stage_pages(base + bare, length - bare);
	if (result == 0 && low && data_last)
		result = open_guard(owner);
	if (result != 0) {
		mdi_region_unstage(owner, base, length, bare);
		return result;
	}
	*out = base;
	return 0;
}

void mdi_region_unstage(struct modiso_module *owner, char *base, size_t length,
			size_t bare)
{
	int saved = errno;

	if (length > bare)
		mdi_mem_decommit(base + bare, length - bare);
	mdi_arena_give(&owner->arena, base, length);
	errno = saved;
}

/* Records first: what can fail for want of memory does so before any page. */
static int make_records(struct modiso_module *owner,
			struct mdi_region_part *part, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		part[i].region =
			mdi_region_new(owner, part[i].base, part[i].length,
				       part[i].access, 0, part[i].name);
		if (part[i].region != NULL) {
			part[i].region->image = true;
			continue;
		}
		while (i-- > 0) {
			mdi_region_free(part[i].region);
			part[i].region = NULL;
		}
		return mdi_fail_memory("a region");
	}
	return 0;
}

/* How many parts, from the first one on, become the same side by side. */
static unsigned count_alike(const struct mdi_region_part *part, unsigned count)
{
	unsigned n = 1;

	while (n < count && part->file < 0 && part[n].file < 0 &&
	       part[n].access == part->access &&
	       part[n - 1].base + part[n - 1].length == part[n].base)
		n++;
	return n;
}

/* In one call, and from then on the owner's. */
static int settle_alike(struct modiso_module *owner,
			const struct mdi_region_part *part, unsigned count)
{
	const struct mdi_region_part *last = &part[count - 1];
	size_t length = (size_t)(last->base - part->base) + last->length;
	const char *call = NULL;

	if (part->file >= 0)
		call = mdi_file_map_code(part->base, length, part->file);
	if (call != NULL)
		return mdi_fail_os(call, "%zu bytes of sealed code", length);
	return mdi_region_give_pages(owner, part->base, length, part->access,
				     MDI_WAS_NOBODYS, false);
}

int mdi_region_settle(struct modiso_module *owner, struct mdi_region_part *part,
		      unsigned count)
{
	int result = make_records(owner, part, count);
	unsigned i, n;

	for (i = 0; i < count && result == 0; i += n) {
		n = count_alike(&part[i], count - i);
		result = settle_alike(owner, &part[i], n);
		if (result != 0)
			break;
		for (unsigned k = i; k < i + n; k++)
			mdi_region_publish(part[k].region);
	}
	for (; result != 0 && i < count && part[i].region != NULL; i++) {
		mdi_region_free(part[i].region);
		part[i].region = NULL;
	}
	return result;
}
