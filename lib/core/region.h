/* SPDX-License-Identifier: MIT */
/*
 * core/region.h - pages with one owner and one protection.
 */
#ifndef MDI_CORE_REGION_H
#define MDI_CORE_REGION_H

#include <modiso/region.h>

#include "core/addrmap.h"
#include "core/module.h"
#include "os/file.h"
#include "os/guard.h"

struct modiso_region {
	struct mdi_addrnode node;
	uint32_t mark;               /* MDI_MARK_REGION */
	struct modiso_module *owner; /* mdi_host for the host's, never NULL */
	struct modiso_region *next, **link; /* of the owner's list */
	struct mdi_domain *domain; /* the owner's, or a set's: core/grant.h */
	struct modiso_region *set_next;
	uint32_t access;
	uint32_t place; /* the access of the pages that it lies among */
	uint32_t flags;
	uint32_t windows; /* open on it, all threads */
	bool adopted;
	bool shared;     /* a file's pages, others may have them as well */
	bool unwritable; /* shared, and the file cannot be written */
	bool stack; /* first page is its guard */
	bool image; /* a segment: comes and goes with its image */
	bool mailbox; /* a thread's, as a stack is */
	bool heap;  /* the owner's heap: comes and goes with it */
	bool saved; /* part of the owner's snapshot */
	bool filed; /* its pages are private ones of a snapshot's file */
	char name[MODISO_NAME_SIZE];
};

/* Is it not in its owner's range? */
static inline bool mdi_region_apart(const struct modiso_region *region)
{
	return region->adopted || (region->shared && mdi_file_apart());
}

/*
 * The library's lock is held in all of these but mdi_region_at(). @place:
 * beside pages of which access.
 */
int mdi_region_create(struct modiso_module *owner, size_t length,
		      uint32_t access, uint32_t place, uint32_t flags,
		      const char *name, struct modiso_region **out);
int mdi_region_adopt(struct modiso_module *owner, void *base, size_t length,
		     uint32_t access, uint32_t flags, const char *name,
		     struct modiso_region **out);
/* @length 0: to the end of the file. */
int mdi_region_map(struct modiso_module *owner, int fd, uint64_t offset,
		   size_t length, uint32_t access, uint32_t flags,
		   const char *name, struct modiso_region **out);
int mdi_region_map_named(struct modiso_module *owner, const char *shm,
			 uint64_t offset, size_t length, uint32_t access,
			 uint32_t flags, const char *name,
			 struct modiso_region **out);
/*
 * May its pages become that, as far as core knows? What the bytes of code say
 * is another matter: code/executable.h.
 */
int mdi_region_may_protect(const struct modiso_region *region, uint32_t access);
int mdi_region_protect(struct modiso_region *region, uint32_t access);
int mdi_region_destroy(struct modiso_region *region);
/* The record alone, when its pages are gone. */
void mdi_region_free(struct modiso_region *region);

/*
 * Pages of a file become a region, in the owner's range; the descriptor is the
 * caller's. Checked before: see core/shared.c.
 */
int mdi_region_create_shared(struct modiso_module *owner, int fd,
			     uint64_t offset, size_t length, bool unwritable,
			     uint32_t access, uint32_t flags, const char *name,
			     struct modiso_region **out);

/* As many pages elsewhere get its rights: they are about to take its place. */
int mdi_region_remap_rights(struct modiso_region *region, void *aside);

/* A stack of @size usable bytes with a guard page below. */
int mdi_region_create_stack(struct modiso_module *owner, size_t size,
			    struct modiso_region **out);

/*
 * An image is built in pages that are in nobody's region yet, at the address
 * where they stay: the host's like the library's own, so that no module reaches
 * them where threads have rights of their own. Then they become regions, part
 * by part, each with its final protection; what does not, goes back. The first
 * @bare bytes of them have their place and are not mapped yet, and are by
 * mdi_region_stage_pages(). @data_last: does it end in pages that are to be
 * writable?
 */
int mdi_region_stage(struct modiso_module *owner, size_t length, size_t bare,
		     bool data_last, char **out);
int mdi_region_stage_pages(char *base, size_t length);
void mdi_region_unstage(struct modiso_module *owner, char *base, size_t length,
			size_t bare);

/*
 * From before the first until after the last of these two: who closes the
 * module's pages leaves alone what lies in between.
 */
void mdi_region_stage_begin(struct modiso_module *owner);
void mdi_region_stage_end(struct modiso_module *owner);

struct mdi_region_part {
	char *base;
	size_t length;
	uint32_t access;
	int file; /* that has its bytes and is sealed; or -1 */
	char name[MODISO_NAME_SIZE];
	struct modiso_region *region; /* out; NULL: it did not become one */
};

/*
 * Parts in order of address. After a failure those that have a region are to
 * be destroyed, and their pages may be readable only.
 */
int mdi_region_settle(struct modiso_module *owner, struct mdi_region_part *part,
		      unsigned count);

/* --- what stage.c needs of region.c --- */

/* A record that nobody sees yet; NULL: no memory. */
struct modiso_region *mdi_region_new(struct modiso_module *owner, char *base,
				     size_t length, uint32_t access,
				     uint32_t flags, const char *name);
/* From now on its owner and its addresses lead to it. */
void mdi_region_publish(struct modiso_region *region);
/* Pages become the owner's, that @was; they are @outside of its range. */
int mdi_region_give_pages(struct modiso_module *owner, void *base,
			  size_t length, uint32_t access, uint32_t was,
			  bool outside);
/* The refusal when the owner's range has no @length bytes side by side. */
int mdi_region_no_room(const struct modiso_module *owner, size_t length);

/* --- */

/* The region that holds an address, stacks included. AS-Safe. */
struct modiso_region *mdi_region_at(uintptr_t address);
struct modiso_region *mdi_region_at_or_above(uintptr_t address);

/* That region, or NULL; its neighbours, or those of the address. AS-Safe. */
struct mdi_region_place {
	const struct modiso_region *at, *below, *above;
};

void mdi_region_find_place(uintptr_t address, struct mdi_region_place *place);

/* Its first byte behind the guard. */
static inline uintptr_t mdi_region_start(const struct modiso_region *region)
{
	return region->node.base + (region->stack ? MDI_GUARD_SIZE : 0);
}

/* May this memory be adopted? 0, or the codes of modiso_region_adopt(). */
int mdi_adopt_check(uintptr_t base, uintptr_t end);

#endif /* MDI_CORE_REGION_H */
