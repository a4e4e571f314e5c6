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

int mdi_region_stage(struct modiso_module *owner, size_t length, size_t bare,
		     bool data_last, char **out)
{
	bool low;
	char *base = mdi_layout_take_image(owner, length, &low);
	int result;

	if (base == NULL)
		return mdi_region_no_room(owner, length);
	if (mdi_mem_stage(base + bare, length - bare) != 0)
		result = mdi_fail_os("mmap", "%zu bytes to build an image in",
				     length - bare);
	else
		result = low && data_last ? open_guard(owner) : 0;
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

/* How many parts, from the first one on, are one range that nobody writes. */
static unsigned count_together(const struct mdi_region_part *part,
			       unsigned count)
{
	unsigned n = 1;

	while (n < count && !(part[n - 1].access & MODISO_WRITE) &&
	       !(part[n].access & MODISO_WRITE) &&
	       part[n - 1].base + part[n - 1].length == part[n].base)
		n++;
	return n;
}

/* Pages that are read-only become what they are to be. */
static int open_part(struct modiso_module *owner, struct mdi_region_part *part)
{
	const char *call;

	if (part->file >= 0) {
		call = mdi_file_map_code(part->base, part->length, part->file);
		if (call != NULL)
			return mdi_fail_os(call, "%zu bytes of sealed code",
					   part->length);
	}
	return mdi_region_give_pages(owner, part->base, part->length,
				     part->access, MODISO_READ, false);
}

/* All of them read-only in one call, then those that are more than that. */
static int settle_together(struct modiso_module *owner,
			   struct mdi_region_part *part, unsigned count,
			   bool *given)
{
	const struct mdi_region_part *last = &part[count - 1];
	size_t length = (size_t)(last->base - part->base) + last->length;
	bool at_once = count == 1 && part->file < 0;
	int result;

	result = mdi_region_give_pages(owner, part->base, length,
				       at_once ? part->access : MODISO_READ,
				       MDI_WAS_NOBODYS, false);
	*given = result == 0;
	for (unsigned i = 0; result == 0 && !at_once && i < count; i++)
		if (part[i].access != MODISO_READ)
			result = open_part(owner, &part[i]);
	return result;
}

int mdi_region_settle(struct modiso_module *owner, struct mdi_region_part *part,
		      unsigned count)
{
	int result = make_records(owner, part, count);
	unsigned i, n;

	for (i = 0; i < count && result == 0; i += n) {
		bool given;

		n = count_together(&part[i], count - i);
		result = settle_together(owner, &part[i], n, &given);
		if (!given)
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
