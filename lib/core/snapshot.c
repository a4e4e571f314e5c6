/* SPDX-License-Identifier: MIT */
#include "core/snapshot.h"

#include "base/error.h"
#include "core/grant.h"
#include "core/heap.h"
#include "core/region.h"
#include "core/runtime.h"
#include "core/thread.h"
#include "core/vault.h"
#include "os/critical.h"
#include "os/file.h"
#include "os/memory.h"

#include <errno.h>

/* The module's own memory: neither the caller's nor anybody else's too. */
static bool savable(const struct modiso_region *region)
{
	return region->access & MODISO_WRITE && !region->adopted &&
	       !region->shared && !region->stack && !region->mailbox &&
	       !mdi_region_granted(region);
}

static char *base_of(const struct modiso_region *region)
{
	return (char *)region->node.base;
}

static size_t length_of(const struct modiso_region *region)
{
	return region->node.end - region->node.base;
}

static int check_idle(const struct modiso_module *module)
{
	if (!mdi_threads_inside(&module->domain))
		return 0;
	return mdi_fail(MODISO_ERR_BUSY, "a thread is inside module %s",
			module->name);
}

/* --- the list of what is dropped --- */

/* The next region of the range, in order of address, that is dropped. */
static const struct modiso_region *next_dropped(const struct mdi_arena *arena,
						uintptr_t from)
{
	uintptr_t end = (uintptr_t)arena->base + arena->length;
	const struct modiso_region *region = mdi_region_at_or_above(from);

	while (region != NULL && region->node.base < end) {
		if (region->saved || region->stack || region->mailbox)
			return region;
		region = mdi_region_at_or_above(region->node.end);
	}
	return NULL;
}

/* Those side by side as one; with @span NULL they are only counted. */
static size_t list_spans(const struct modiso_module *module,
			 struct mdi_extent *span)
{
	const struct modiso_region *region;
	uintptr_t at = (uintptr_t)module->arena.base, base, last_end = 0;
	size_t count = 0;

	while ((region = next_dropped(&module->arena, at)) != NULL) {
		/* A stack's guard is not the stack's to drop. */
		base = mdi_region_start(region);
		at = region->node.end;
		if (base != last_end && span != NULL)
			span[count] = (struct mdi_extent){
				.base = (char *)base, .length = 0
			};
		if (base != last_end)
			count++;
		if (span != NULL)
			span[count - 1].length =
				(size_t)((char *)at - span[count - 1].base);
		last_end = at;
	}
	return count;
}

static int make_list(const struct modiso_module *module,
		     struct mdi_snapshot *snapshot)
{
	size_t count = list_spans(module, NULL);
	struct mdi_extent *span;

	span = mdi_vault_alloc((count + 1) * sizeof(*span));
	if (span == NULL)
		return mdi_fail_memory("the list of pages of %s",
				       module->name);
	list_spans(module, span);
	mdi_vault_free(snapshot->span, snapshot->room * sizeof(*span));
	snapshot->span = span;
	snapshot->count = count;
	snapshot->room = count + 1;
	snapshot->stale = false;
	return 0;
}

static int drop(const struct modiso_module *module,
		const struct mdi_snapshot *snapshot)
{
	int result = mdi_heap_rewind(module);

	if (result != 0)
		return result;
	for (size_t i = 0; i < snapshot->count; i++)
		if (mdi_mem_discard(snapshot->span[i].base,
				    snapshot->span[i].length) != 0)
			return mdi_fail_os("madvise",
					   "restoring %zu bytes of %s at %p",
					   snapshot->span[i].length,
					   module->name,
					   (void *)snapshot->span[i].base);
	return 0;
}

/* --- taking one --- */

/* Room in the file for every region, whether it turns out to be zeros or not */
static uint64_t file_length(const struct modiso_module *module)
{
	const struct modiso_region *region;
	uint64_t length = 0;

	for (region = module->regions; region != NULL; region = region->next)
		if (savable(region))
			length += length_of(region);
	if (module->heap != NULL)
		length += module->heap->area->length;
	return length;
}

/*
 * The contents go to the file in the order of the list. A region of zeros that
 * never had a file needs none: dropped pages of its kind are zeros.
 */
static int save(const struct modiso_module *module, int fd)
{
	struct modiso_region *region;
	uint64_t offset = 0;
	bool any;

	for (region = module->regions; region != NULL; region = region->next) {
		if (!savable(region))
			continue;
		any = region->filed;
		if (mdi_file_save(fd, offset, base_of(region),
				  length_of(region), &any) != 0)
			return mdi_fail_os("pwrite", "the contents of region "
					   "%s of %s",
					   region->name, module->name);
		region->saved = any; /* for now: it is to be mapped */
		offset += length_of(region);
	}
	/* Last, the bookkeeping of the heap. */
	if (module->heap != NULL &&
	    mdi_file_save(fd, offset, module->heap->blocks,
			  module->heap->area->length, &any) != 0)
		return mdi_fail_os("pwrite", "the heap of module %s",
				   module->name);
	if (mdi_file_freeze(fd) != 0)
		return mdi_fail_os("fcntl", "sealing a snapshot of %s",
				   module->name);
	return 0;
}

/*
 * The pages of a region become the file's, with the rights that they had: from
 * the first moment, so that there is no way back that could fail.
 */
static int map_region(struct modiso_region *region, int fd, uint64_t offset)
{
	size_t length = length_of(region);
	char *aside = mdi_file_map_aside(length, fd, offset, false);
	int result;

	if (aside == NULL)
		return mdi_fail_os("mmap", "a snapshot of region %s of %s",
				   region->name, region->owner->name);
	result = mdi_region_remap_rights(region, aside);
	if (result != 0) {
		mdi_mem_release(aside, length);
		return result;
	}
	if (mdi_file_move(aside, base_of(region), length) != 0)
		return mdi_fail_os("mremap", "a snapshot of region %s of %s",
				   region->name, region->owner->name);
	region->filed = true;
	return 0;
}

static int map_all(struct modiso_module *module, int fd)
{
	struct modiso_region *region;
	uint64_t offset = 0;
	int result;

	for (region = module->regions; region != NULL; region = region->next) {
		if (!savable(region))
			continue;
		if (region->saved) {
			result = map_region(region, fd, offset);
			if (result != 0)
				return result;
		}
		region->saved = true;
		offset += length_of(region);
	}
	return module->heap != NULL ? mdi_heap_map(module, fd, offset) : 0;
}

static void forget_saved(struct modiso_module *module)
{
	struct modiso_region *region;

	for (region = module->regions; region != NULL; region = region->next)
		region->saved = false;
}

static int fill(struct modiso_module *module)
{
	uint64_t length = file_length(module);
	int result, fd;

	forget_saved(module);
	fd = mdi_file_create("modiso-snapshot", length);
	if (fd < 0)
		return mdi_fail_os("memfd_create",
				   "a snapshot of %s, up to %llu bytes",
				   module->name, (unsigned long long)length);
	result = save(module, fd);
	if (result == 0)
		result = map_all(module, fd);
	mdi_file_close(fd);
	return result;
}

/*
 * When it fails there is no snapshot: the one before is gone, because regions
 * can be of two files by then. What they hold is the same all the while.
 */
static int take(struct modiso_module *module)
{
	struct mdi_snapshot *snapshot = module->snapshot;
	int result;

	result = check_idle(module);
	if (result != 0)
		return result;
	if (snapshot == NULL) {
		snapshot = mdi_vault_alloc(sizeof(*snapshot));
		if (snapshot == NULL)
			return mdi_fail_memory("a snapshot of %s",
					       module->name);
		module->snapshot = snapshot;
	}
	mdi_heap_hold(module->heap);
	mdi_heap_gather(module->heap);
	result = fill(module);
	if (result == 0)
		result = make_list(module, snapshot);
	if (result == 0)
		result = drop(module, snapshot);
	mdi_heap_release(module->heap);
	if (result != 0) {
		int saved = errno;

		forget_saved(module);
		mdi_snapshot_free(module);
		errno = saved;
	}
	return result;
}

/*
 * The contents are read, or written, by this thread: with page permissions that
 * needs the host's state, and what keeps it must be waited for before the lock
 * is taken. No handler runs meanwhile: it could not enter a module.
 */
static int in_window(struct modiso_module *module,
		     int (*act)(struct modiso_module *module))
{
	struct mdi_domain *domain = &module->domain;
	struct mdi_thread *thread;
	uint32_t token;
	int result;

	result = mdi_thread_attach(&thread);
	if (result != 0)
		return result;
	mdi_runtime_lock();
	result = check_idle(module);
	mdi_runtime_unlock();
	if (result != 0)
		return result;
	token = thread->host_rights;
	mdi_critical_begin();
	result = mdi_backend_now->window_open(domain, thread, MODISO_READ);
	if (result == 0) {
		mdi_runtime_lock();
		result = act(module);
		mdi_runtime_unlock();
		mdi_backend_now->window_close(domain, thread, token);
	}
	mdi_critical_end();
	return result;
}

int mdi_snapshot_take(struct modiso_module *module)
{
	return in_window(module, take);
}

static int restore(struct modiso_module *module)
{
	int result;

	if (module->snapshot == NULL)
		return mdi_fail(MODISO_ERR_NOENT,
				"no snapshot of module %s was taken",
				module->name);
	result = check_idle(module);
	if (result == 0 && module->snapshot->stale)
		result = make_list(module, module->snapshot);
	if (result == 0) {
		mdi_heap_hold(module->heap);
		result = drop(module, module->snapshot);
		mdi_heap_release(module->heap);
	}
	return result;
}

int mdi_snapshot_restore(struct modiso_module *module)
{
	int result;

	if (mdi_mem_discard_opens())
		return in_window(module, restore);
	mdi_runtime_lock();
	result = restore(module);
	mdi_runtime_unlock();
	return result;
}

void mdi_snapshot_free(struct modiso_module *module)
{
	struct mdi_snapshot *snapshot = module->snapshot;

	if (snapshot == NULL)
		return;
	mdi_vault_free(snapshot->span,
		       snapshot->room * sizeof(*snapshot->span));
	mdi_vault_free(snapshot, sizeof(*snapshot));
	module->snapshot = NULL;
}
