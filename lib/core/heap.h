/* SPDX-License-Identifier: MIT */
/*
 * core/heap.h - a module's heap: a region of blocks, and who has which.
 *
 * The bookkeeping (core/blocks.h) lies in pages of its own, in the vault, and
 * never looks at the region. So what the module does to its heap changes what
 * is in the blocks, and nothing else.
 */
#ifndef MDI_CORE_HEAP_H
#define MDI_CORE_HEAP_H

#include <modiso/heap.h>

#include "core/blocks.h"
#include "core/module.h"
#include "core/region.h"

struct mdi_vault_area;

struct mdi_heap {
	uintptr_t base; /* of the region */
	size_t length;
	uint8_t *starts; /* of the blocks' bookkeeping */
	struct mdi_heap_cache **caches; /* by thread; NULL: none, too large */
	struct mdi_lock *lock;
	struct modiso_region *region;
	struct mdi_blocks *blocks;
	struct mdi_vault_area *area; /* the pages that these are in */
	bool filed; /* they are private ones of a snapshot's file */
	uint64_t refused; /* pointers that were no block's */
};

struct mdi_heap_sum {
	uint64_t used, peak; /* bytes */
	uint64_t blocks;
};

/* The library's lock is held in these. */
int mdi_heap_create(struct modiso_module *module, size_t length, uint32_t flags,
		    const char *name);
int mdi_heap_destroy(struct modiso_module *module);
/* All but the region, which goes with its module. */
void mdi_heap_free(struct modiso_module *module);
/*
 * For a snapshot: nobody takes or gives a block from hold to release; @heap may
 * be NULL. What threads keep is in the slabs again after mdi_heap_gather(). The
 * bookkeeping becomes private pages of the file; and goes back to what the file
 * says.
 */
void mdi_heap_hold(struct mdi_heap *heap);
void mdi_heap_release(struct mdi_heap *heap);
void mdi_heap_gather(struct mdi_heap *heap);
int mdi_heap_map(struct modiso_module *module, int fd, uint64_t offset);
int mdi_heap_rewind(const struct modiso_module *module);

/* The heap's lock nests inside the library's. */
void mdi_heap_lock(const struct mdi_heap *heap);
void mdi_heap_unlock(const struct mdi_heap *heap);
void mdi_heaps_before_fork(void);
void mdi_heaps_after_fork(void);

/* These take the heap's lock; the module has a heap. */
int mdi_heap_alloc(struct modiso_module *module, size_t size, size_t align,
		   bool zero, void **out);
int mdi_heap_give(struct modiso_module *module, void *block);
int mdi_heap_resize(struct modiso_module *module, void *block, size_t size,
		    void **out);
int mdi_heap_size(struct modiso_module *module, const void *block,
		  size_t *size);
/* This one the library's as well. */
void mdi_heap_sum(struct mdi_heap *heap, struct mdi_heap_sum *sum,
		  uint64_t *refused);

/* What module code calls, by way of a service. NULL: no such function. */
modiso_fn mdi_heap_function(enum modiso_heap_function which);

#endif /* MDI_CORE_HEAP_H */
