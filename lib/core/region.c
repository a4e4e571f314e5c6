/* SPDX-License-Identifier: MIT */
#include "core/closed.h"
#include "core/region.h"

#include "base/error.h"
#include "core/grant.h"
#include "core/layout.h"
#include "core/runs.h"
#include "core/snapshot.h"
#include "core/thread.h"
#include "core/vault.h"
#include "os/file.h"
#include "os/memory.h"
#include "os/misuse.h"

#include <errno.h>
#include <string.h>

static size_t length_of(const struct modiso_region *region)
{
	return region->node.end - region->node.base;
}

static void *base_of(const struct modiso_region *region)
{
	return (void *)region->node.base;
}

/* Hand pages to the backend, and the domain's runs with them. */
static int set_pages(struct mdi_domain *domain, void *base, size_t length,
		     uint32_t access, uint32_t was, bool outside)
{
	struct mdi_runs runs;
	int result;

	if (!mdi_runs_set(&domain->runs, base, length, access, outside, &runs))
		return mdi_fail_memory("the list of pages around %p", base);
	result = mdi_backend_now->protect(domain, base, length, access, was,
					  &runs);
	mdi_runs_free(&runs);
	return result;
}

int mdi_region_give_pages(struct modiso_module *owner, void *base,
			  size_t length, uint32_t access, uint32_t was,
			  bool outside)
{
	return set_pages(&owner->domain, base, length, access, was, outside);
}

/* One that was before is overwritten: see mdi_vault_take(). */
struct modiso_region *mdi_region_new(struct modiso_module *owner, char *base,
				     size_t length, uint32_t access,
				     uint32_t flags, const char *name)
{
	struct modiso_region *region =
		mdi_vault_take(MDI_VAULT_REGION, sizeof(*region));
	struct modiso_region fresh = {
		.node = {
			.base = (uintptr_t)base,
			.end = (uintptr_t)base + length,
		},
		.mark = MDI_MARK_REGION,
		.owner = owner,
		.domain = &owner->domain,
		.access = access,
		.place = access,
		.flags = flags,
	};

	if (region == NULL)
		return NULL;
	strncpy(fresh.name, name, sizeof(fresh.name) - 1);
	*region = fresh;
	return region;
}

void mdi_region_free(struct modiso_region *region)
{
	mdi_vault_put(MDI_VAULT_REGION, region);
}

void mdi_region_publish(struct modiso_region *region)
{
	struct modiso_module *owner = region->owner;

	region->next = owner->regions;
	region->link = &owner->regions;
	if (owner->regions != NULL)
		owner->regions->link = &region->next;
	owner->regions = region;
	mdi_addrmap_insert(&region->node);
	mdi_snapshot_stale(owner);
}

int mdi_region_no_room(const struct modiso_module *owner, size_t length)
{
	if (mdi_arena_fits(&owner->arena, length))
		return mdi_fail_memory("the list of free ranges of %s",
				       owner->name);
	return mdi_fail(MODISO_ERR_LIMIT,
			"no room for %zu bytes in the address range of %s (%zu "
			"bytes); raise modiso_module_options.range_size",
			length, owner->name,
			(size_t)(owner->arena.ceiling - owner->arena.floor));
}

static int commit(char *base, size_t length, size_t guard, uint32_t flags)
{
	if (mdi_mem_commit(base + guard, length - guard) != 0)
		return mdi_fail_os("mmap", "a region of %zu bytes", length);
	if (guard != 0 && mdi_guard_make(base) != 0)
		return mdi_fail_os("mremap", "a guard page");
	if (flags & MODISO_REGION_NODUMP && mdi_mem_nodump(base, length) != 0)
		return mdi_fail_os("madvise", "a region of %zu bytes", length);
	return 0;
}

/*
 * New pages at @base, which is the owner's; the first @guard bytes of them are
 * a guard. On failure they are a reservation again, and still the owner's.
 * Complete when it can be found: a fault handler looks at all of it.
 */
static int create_at(struct modiso_module *owner, char *base, size_t length,
		     uint32_t access, uint32_t flags, const char *name,
		     size_t guard, bool stack, struct modiso_region **out)
{
	size_t apart = MDI_GUARD_IS_VOID ? 0 : guard;
	struct modiso_region *region;
	int result, saved;

	region = mdi_region_new(owner, base, length, access, flags, name);
	if (region == NULL)
		return mdi_fail_memory("a region");
	result = commit(base, length, guard, flags);
	if (result == 0)
		result = mdi_region_give_pages(owner, base + apart,
					       length - apart, access,
					       MDI_WAS_FRESH, false);
	if (result != 0) {
		saved = errno;
		mdi_mem_decommit(base, length);
		mdi_region_free(region);
		errno = saved;
		return result;
	}
	region->stack = stack;
	/* A stack's guard page counts as its, whatever keeps it closed. */
	if (stack && guard == 0)
		region->node.base -= MDI_GUARD_SIZE;
	mdi_region_publish(region);
	*out = region;
	return 0;
}

static int create(struct modiso_module *owner, size_t length, uint32_t access,
		  uint32_t place, uint32_t flags, const char *name,
		  size_t guard, struct modiso_region **out)
{
	char *base = mdi_layout_take(owner, length, place);
	int result;

	if (base == NULL)
		return mdi_region_no_room(owner, length);
	result = create_at(owner, base, length, access, flags, name, guard,
			   guard != 0, out);
	if (result != 0)
		mdi_arena_give(&owner->arena, base, length);
	else
		(*out)->place = place;
	return result;
}

int mdi_region_create(struct modiso_module *owner, size_t length,
		      uint32_t access, uint32_t place, uint32_t flags,
		      const char *name, struct modiso_region **out)
{
	return create(owner, length, access, place, flags, name, 0, out);
}

/*
 * Where a guard is a void page, it is closed like the rest of the range, so
 * that opening the module is one mapping; one between an image and the stack is
 * among theirs, like those of later stacks.
 */
static int create_first_stack(struct modiso_module *owner, size_t size,
			      struct modiso_region **out)
{
	size_t guard = owner->guard_opens || !MDI_GUARD_IS_VOID ?
			       MDI_GUARD_SIZE :
			       0;
	char *base = owner->stack_base;
	int result;

	result = create_at(owner, base + MDI_GUARD_SIZE - guard, size + guard,
			   MODISO_READ | MODISO_WRITE, 0, "stack", guard, true,
			   out);
	if (result == 0)
		owner->stack_base = NULL;
	return result;
}

int mdi_region_create_stack(struct modiso_module *owner, size_t size,
			    struct modiso_region **out)
{
	if (owner->stack_base != NULL)
		return create_first_stack(owner, size, out);
	return create(owner, size + MDI_GUARD_SIZE, MODISO_READ | MODISO_WRITE,
		      MODISO_READ | MODISO_WRITE, 0, "stack", MDI_GUARD_SIZE,
		      out);
}

int mdi_region_adopt(struct modiso_module *owner, void *base, size_t length,
		     uint32_t access, uint32_t flags, const char *name,
		     struct modiso_region **out)
{
	struct modiso_region *region;
	int result;

	result = mdi_adopt_check((uintptr_t)base, (uintptr_t)base + length);
	if (result != 0)
		return result;
	region = mdi_region_new(owner, base, length, access, flags, name);
	if (region == NULL)
		return mdi_fail_memory("a region");
	region->adopted = true;
	result = mdi_closed_update((uintptr_t)base, (uintptr_t)base + length);
	if (result == 0)
		result = mdi_region_give_pages(owner, base, length, access,
					       MDI_WAS_NOBODYS, true);
	if (result != 0) {
		mdi_region_free(region);
		/* As it was before: it fits. */
		(void)mdi_closed_update(0, 0);
		return result;
	}
	mdi_region_publish(region);
	*out = region;
	return 0;
}

int mdi_region_may_protect(const struct modiso_region *region, uint32_t access)
{
	if (access == region->access)
		return 0;
	if (region->access & MODISO_EXEC)
		return mdi_fail(MODISO_ERR_ACCESS,
				"region %s is executable and stays so",
				region->name);
	if (access & MODISO_WRITE && region->unwritable)
		return mdi_fail(MODISO_ERR_ACCESS,
				"region %s is of a file that was opened for "
				"reading, or is sealed against writing",
				region->name);
	if (access & MODISO_EXEC &&
	    (region->adopted || region->shared ||
	     region->owner->domain.kind != MDI_DOMAIN_MODULE))
		return mdi_fail(MODISO_ERR_ACCESS,
				"region %s is %s; code belongs into regions "
				"that a module's own modiso_region_create() "
				"made",
				region->name,
				region->adopted ? "adopted" :
				region->shared	? "shared" :
						  "the host's");
	if (access & MODISO_EXEC && region->saved)
		return mdi_fail(MODISO_ERR_BUSY,
				"region %s is part of a snapshot of %s, which "
				"would bring its old bytes back as code; seal "
				"code first, then take the snapshot",
				region->name, region->owner->name);
	if (access & MODISO_EXEC && mdi_region_granted(region))
		return mdi_grant_busy(region);
	return 0;
}

int mdi_region_protect(struct modiso_region *region, uint32_t access)
{
	int result = mdi_region_may_protect(region, access);

	if (result != 0 || access == region->access)
		return result;
	result = set_pages(region->domain, base_of(region), length_of(region),
			   access, region->access,
			   mdi_region_apart(region) ||
				   mdi_region_granted(region));
	if (result != 0)
		return result;
	region->access = access;
	region->place = access;
	return 0;
}

/* Pages of a file, closed or yet to be; NULL and a code. */
static char *map_file(struct modiso_module *owner, int fd, uint64_t offset,
		      size_t length, bool unwritable, uint32_t access,
		      int *result)
{
	const char *call;
	char *base;

	if (mdi_file_apart()) {
		base = mdi_file_map_apart(length, fd, offset, !unwritable,
					  &call);
	} else {
		base = mdi_layout_take(owner, length, access);
		if (base == NULL) {
			*result = mdi_region_no_room(owner, length);
			return NULL;
		}
		call = mdi_file_map(base, length, fd, offset, true);
	}
	if (call == NULL)
		return base;
	*result = mdi_fail_os(call, "%zu bytes of a file", length);
	if (!mdi_file_apart())
		mdi_arena_give(&owner->arena, base, length);
	return NULL;
}

static void unmap_file(struct modiso_module *owner, char *base, size_t length)
{
	int saved = errno;

	mdi_mem_decommit(base, length);
	if (!mdi_file_apart())
		mdi_arena_give(&owner->arena, base, length);
	errno = saved;
}

int mdi_region_create_shared(struct modiso_module *owner, int fd,
			     uint64_t offset, size_t length, bool unwritable,
			     uint32_t access, uint32_t flags, const char *name,
			     struct modiso_region **out)
{
	struct modiso_region *region;
	int result = 0;
	char *base = map_file(owner, fd, offset, length, unwritable, access,
			      &result);

	if (base == NULL)
		return result;
	region = mdi_region_new(owner, base, length, access, flags, name);
	if (region == NULL) {
		result = mdi_fail_memory("a region");
		goto unmap;
	}
	region->shared = true;
	region->unwritable = unwritable;
	if (flags & MODISO_REGION_NODUMP && mdi_mem_nodump(base, length) != 0)
		result = mdi_fail_os("madvise", "region %s", name);
	else
		result = mdi_region_give_pages(owner, base, length, access,
					       MDI_WAS_FRESH, mdi_file_apart());
	if (result != 0)
		goto free_region;
	mdi_region_publish(region);
	*out = region;
	return 0;

free_region:
	mdi_region_free(region);
unmap:
	unmap_file(owner, base, length);
	return result;
}

int mdi_region_remap_rights(struct modiso_region *region, void *aside)
{
	if (region->flags & MODISO_REGION_NODUMP &&
	    mdi_mem_nodump(aside, length_of(region)) != 0)
		return mdi_fail_os("madvise", "region %s", region->name);
	return mdi_backend_now->remap_rights(region->domain, aside,
					     length_of(region), region->access);
}

/* Adopted memory becomes ordinary, created memory a reservation. */
static int take_pages(struct modiso_region *region)
{
	const struct mdi_backend *backend = mdi_backend_now;
	struct modiso_module *owner = region->owner;
	struct mdi_runs runs;
	int result;

	if (!mdi_runs_set(&owner->domain.runs, base_of(region),
			  length_of(region), MDI_PROT_NONE,
			  mdi_region_apart(region), &runs))
		return mdi_fail_memory("the list of pages of %s", owner->name);
	if (region->adopted)
		result = backend->release(&owner->domain, base_of(region),
					  length_of(region), region->access,
					  &runs);
	else
		result = backend->discard(&owner->domain, base_of(region),
					  length_of(region), &runs);
	mdi_runs_free(&runs);
	return result;
}

int mdi_region_destroy(struct modiso_region *region)
{
	struct modiso_module *owner = region->owner;
	size_t length = length_of(region);
	char *base = base_of(region);
	int result;

	if (region->windows != 0)
		return mdi_fail(MODISO_ERR_BUSY,
				"a window is open on region %s", region->name);
	result = mdi_grant_busy(region);
	if (result != 0)
		return result;
	result = take_pages(region);
	if (result != 0)
		return result;
	mdi_snapshot_stale(owner);
	mdi_addrmap_remove(&region->node);
	*region->link = region->next;
	if (region->next != NULL)
		region->next->link = region->link;
	if (!mdi_region_apart(region))
		mdi_arena_give(&owner->arena, base, length);
	else if (region->adopted)
		(void)mdi_closed_update(0, 0); /* less holes than before */
	region->mark = 0;
	mdi_region_free(region);
	return 0;
}

static struct modiso_region *region_of(struct mdi_addrnode *node)
{
	return node ? mdi_container_of(node, struct modiso_region, node) : NULL;
}

struct modiso_region *mdi_region_at(uintptr_t address)
{
	return region_of(mdi_addrmap_find(address));
}

struct modiso_region *mdi_region_at_or_above(uintptr_t address)
{
	return region_of(mdi_addrmap_find_next(address));
}

void mdi_region_find_place(uintptr_t address, struct mdi_region_place *place)
{
	struct mdi_addrmap_place nodes;

	mdi_addrmap_find_place(address, &nodes);
	place->at = region_of(nodes.at);
	place->below = region_of(nodes.below);
	place->above = region_of(nodes.above);
}
