/* SPDX-License-Identifier: MIT */
/*
 * Mappings and regions both come in order of address, so one walk through the
 * kernel's list compares them all. A second one looks for other mappings of
 * what shared regions map, when there are any.
 */
#include "core/audit.h"

#include "base/error.h"
#include "core/closed.h"
#include "core/region.h"
#include "core/runtime.h"
#include "core/thread.h"
#include "core/vault.h"
#include "os/guard.h"
#include "os/maps.h"
#include "os/memory.h"
#include "os/open.h"

#include <string.h>

/* What a shared region is of. */
struct identity {
	uint64_t device, inode, begin, end; /* offsets in the file */
};

struct audit {
	struct modiso_audit_finding *findings;
	size_t room, count;
	struct modiso_audit_finding beyond; /* the room: never read */
	uintptr_t next; /* all below was compared */
	const struct mdi_mapping *map; /* that is looked at */
	struct identity *shared;
	size_t shared_count, shared_room;
};

static uint32_t access_of(const struct mdi_mapping *map)
{
	return (map->read ? MODISO_READ : 0) | (map->write ? MODISO_WRITE : 0) |
	       (map->exec ? MODISO_EXEC : 0);
}

/* @map NULL: nothing is mapped there. */
static struct modiso_audit_finding *
add(struct audit *audit, enum modiso_audit_kind kind, uintptr_t base,
    uintptr_t end, const struct mdi_mapping *map)
{
	struct modiso_audit_finding *finding =
		audit->count < audit->room ? &audit->findings[audit->count]
					   : &audit->beyond;

	audit->count++;
	memset(finding, 0, sizeof(*finding));
	finding->kind = kind;
	finding->base = base;
	finding->length = end - base;
	finding->key = map != NULL ? map->key : -1;
	finding->want_key = -1;
	finding->access = map != NULL ? access_of(map) : 0;
	return finding;
}

static void name(struct modiso_audit_finding *finding,
		 const struct modiso_module *owner,
		 const struct modiso_region *region)
{
	if (owner != NULL)
		strcpy(finding->module_name, owner->name);
	if (region != NULL)
		strcpy(finding->region_name, region->name);
}

/* --- regions --- */

static void check_guard(struct audit *audit, const struct modiso_region *region,
			uintptr_t base, uintptr_t end,
			const struct mdi_mapping *map)
{
	/* Nobody's pages, or those of an empty file. */
	if (base < end && access_of(map) != 0 && map->inode == 0)
		name(add(audit, MODISO_AUDIT_GUARD, base, end, map),
		     region->owner, region);
}

/* All of it but its room, which is open. */
static void check_guards(struct audit *audit,
			 const struct modiso_region *region, uintptr_t base,
			 uintptr_t end, const struct mdi_mapping *map)
{
	uintptr_t room = region->node.base + MDI_PAGE_SIZE;
	uintptr_t above = room + MDI_GUARD_ROOM;

	check_guard(audit, region, base, end < room ? end : room, map);
	check_guard(audit, region, base > above ? base : above, end, map);
}

/* The part [base, end) of @region lies in @map. */
static void check_part(struct audit *audit, const struct modiso_region *region,
		       uintptr_t base, uintptr_t end,
		       const struct mdi_mapping *map)
{
	const struct mdi_domain *domain = region->domain;
	struct modiso_audit_finding *finding;
	int key;
	uint32_t want =
		mdi_backend_now->expected(domain, region->access, &key);

	if (access_of(map) != want) {
		finding = add(audit, MODISO_AUDIT_RIGHTS, base, end, map);
		finding->want_access = want;
		name(finding, region->owner, region);
	}
	if (map->key >= 0 && key != MDI_NO_KEY && map->key != key) {
		finding = add(audit, MODISO_AUDIT_KEY, base, end, map);
		finding->want_key = key;
		finding->want_access = want;
		name(finding, region->owner, region);
	}
}

static void note_shared(struct audit *audit, const struct mdi_mapping *map,
			uintptr_t base, uintptr_t end)
{
	uint64_t begin = map->offset + (base - map->base);

	if (audit->shared_count == audit->shared_room)
		return; /* a region in several mappings: all else is told */
	audit->shared[audit->shared_count++] = (struct identity){
		.device = map->device,
		.inode = map->inode,
		.begin = begin,
		.end = begin + (end - base),
	};
}

static void check_region(struct audit *audit, struct modiso_region *region,
			 uintptr_t base, uintptr_t end,
			 const struct mdi_mapping *map)
{
	uintptr_t guard = mdi_region_start(region);

	if (base < guard) {
		check_guards(audit, region, base, guard < end ? guard : end,
			     map);
		base = guard;
	}
	if (base >= end)
		return;
	check_part(audit, region, base, end, map);
	if (region->shared)
		note_shared(audit, map, base, end);
}

/* Which module's range is this in? NULL: in none. */
static struct modiso_module *range_owner(uintptr_t address)
{
	for (uint32_t i = 0; i < MDI_MODULES_MAX; i++) {
		struct modiso_module *module = mdi_domain_module(
			(struct mdi_domain *)mdi_arch_state.domains[i]);

		if (module != NULL &&
		    address - (uintptr_t)module->arena.base <
			    module->arena.length)
			return module;
	}
	return NULL;
}

static void add_open(void *arg, uintptr_t base, uintptr_t end)
{
	struct audit *audit = arg;

	add(audit, MODISO_AUDIT_OPEN, base, end, audit->map);
}

/* Between regions: nobody's pages, if it is a module's range. */
static void check_between(struct audit *audit, uintptr_t base, uintptr_t end,
			  const struct mdi_mapping *map)
{
	struct modiso_module *owner;

	if (base >= end || access_of(map) == 0)
		return;
	owner = map->inode == 0 ? range_owner(base) : NULL;
	if (owner != NULL) {
		name(add(audit, MODISO_AUDIT_STRAY, base, end, map), owner,
		     NULL);
	} else if (map->write) {
		audit->map = map;
		mdi_closed_open(base, end, add_open, audit);
	}
}

static void check_unmapped(struct audit *audit, uintptr_t end)
{
	struct mdi_addrnode *node;
	struct modiso_region *region;

	while (audit->next < end) {
		node = mdi_addrmap_find_next(audit->next);
		if (node == NULL || node->base >= end)
			return;
		region = mdi_container_of(node, struct modiso_region, node);
		name(add(audit, MODISO_AUDIT_UNMAPPED,
			 node->base > audit->next ? node->base : audit->next,
			 node->end < end ? node->end : end, NULL),
		     region->owner, region);
		audit->next = node->end;
	}
}

/* --- every mapping --- */

static void check_library(struct audit *audit, const struct mdi_mapping *map)
{
	if (mdi_open.state.open_key <= 0 || map->key != 0 ||
	    !(map->read || map->write) ||
	    !mdi_runtime_keeps(map->base, map->end))
		return;
	add(audit, MODISO_AUDIT_LIBRARY, map->base, map->end, map)->want_key =
		mdi_open.state.host_key;
}

/* What the kernel and the process share, in order to work without calls. */
static void check_door(struct audit *audit, const struct mdi_mapping *map)
{
	if (map->ring)
		add(audit, MODISO_AUDIT_URING, map->base, map->end, map);
	if (map->aio)
		add(audit, MODISO_AUDIT_AIO, map->base, map->end, map);
}

static bool compare(const struct mdi_mapping *map, void *arg)
{
	struct audit *audit = arg;
	uintptr_t at = map->base;
	struct mdi_addrnode *node;

	check_door(audit, map);
	if (map->write && map->exec)
		add(audit, MODISO_AUDIT_WRITE_EXEC, map->base, map->end, map);
	check_library(audit, map);
	check_unmapped(audit, map->base);
	while (at < map->end) {
		node = mdi_addrmap_find_next(at);
		if (node == NULL || node->base >= map->end) {
			check_between(audit, at, map->end, map);
			break;
		}
		check_between(audit, at, node->base, map);
		at = at > node->base ? at : node->base;
		check_region(audit,
			     mdi_container_of(node, struct modiso_region, node),
			     at, node->end < map->end ? node->end : map->end,
			     map);
		at = node->end;
	}
	audit->next = map->end;
	return true;
}

static bool find_alias(const struct mdi_mapping *map, void *arg)
{
	struct audit *audit = arg;
	uint64_t end = map->offset + (map->end - map->base);

	if (map->inode == 0 || mdi_addrmap_overlap(map->base, map->end) != NULL)
		return true;
	for (size_t i = 0; i < audit->shared_count; i++) {
		const struct identity *of = &audit->shared[i];

		if (map->device == of->device && map->inode == of->inode &&
		    map->offset < of->end && of->begin < end) {
			add(audit, MODISO_AUDIT_ALIAS, map->base, map->end,
			    map);
			break;
		}
	}
	return true;
}

static void add_ring(uint32_t descriptor, void *audit)
{
	add(audit, MODISO_AUDIT_URING, 0, 0, NULL)->number = descriptor;
}

static void add_poller(uint32_t tid, void *audit)
{
	add(audit, MODISO_AUDIT_SQPOLL, 0, 0, NULL)->number = tid;
}

static int find_doors(struct audit *audit)
{
	if (mdi_open_rings(add_ring, audit) != 0)
		return mdi_fail_os("open", "/proc/self/fd");
	if (mdi_open_pollers(add_poller, audit) != 0)
		return mdi_fail_os("open", "/proc/self/task");
	return 0;
}

static size_t count_shared(void)
{
	const struct modiso_module *module;
	const struct modiso_region *region;
	size_t count = 0;

	for (uint32_t i = 0; i < MDI_MODULES_MAX; i++) {
		module = mdi_domain_module(
			(struct mdi_domain *)mdi_arch_state.domains[i]);
		for (region = module ? module->regions : NULL; region != NULL;
		     region = region->next)
			count += region->shared;
	}
	return count;
}

static int walk(void *arg)
{
	struct audit *audit = arg;

	if (mdi_maps_walk(compare, audit) != 0)
		return mdi_fail_os("open", "/proc/self/smaps");
	check_unmapped(audit, UINTPTR_MAX);
	if (audit->shared_count != 0 && mdi_maps_walk(find_alias, audit) != 0)
		return mdi_fail_os("open", "/proc/self/smaps");
	return 0;
}

int mdi_audit(struct modiso_audit_finding *findings, size_t room,
	      size_t *count)
{
	struct audit audit = { .findings = findings, .room = room };
	size_t size;
	int result;

	audit.shared_room = count_shared();
	size = audit.shared_room * sizeof(*audit.shared);
	if (size != 0) {
		audit.shared = mdi_vault_alloc(size);
		if (audit.shared == NULL)
			return mdi_fail(MODISO_ERR_NOMEM,
					"no memory for a list of %zu shared "
					"regions",
					audit.shared_room);
	}
	result = mdi_backend_steady(walk, &audit);
	if (result == 0)
		result = find_doors(&audit);
	if (size != 0)
		mdi_vault_free(audit.shared, size);
	if (result == 0)
		*count = audit.count;
	return result;
}

const char *modiso_audit_kind_name(uint32_t kind)
{
	static const char *const names[] = {
		[MODISO_AUDIT_UNMAPPED] = "not mapped",
		[MODISO_AUDIT_RIGHTS] = "page permissions",
		[MODISO_AUDIT_KEY] = "protection key",
		[MODISO_AUDIT_GUARD] = "no guard page",
		[MODISO_AUDIT_STRAY] = "memory in no region",
		[MODISO_AUDIT_ALIAS] = "mapped twice",
		[MODISO_AUDIT_WRITE_EXEC] = "writable and executable",
		[MODISO_AUDIT_LIBRARY] = "the library's memory is open",
		[MODISO_AUDIT_URING] = "a ring of io_uring",
		[MODISO_AUDIT_SQPOLL] = "the kernel polls a ring of io_uring",
		[MODISO_AUDIT_AIO] = "asynchronous I/O",
		[MODISO_AUDIT_OPEN] = "open to confined modules",
	};

	return kind < MDI_COUNT(names) && names[kind] != NULL ? names[kind] :
								"unknown";
}
