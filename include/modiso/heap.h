/* SPDX-License-Identifier: MIT */
/*
 * modiso/heap.h - malloc() inside a module, for both sides.
 *
 * A heap is a region of the module. Host code takes blocks of it with the
 * functions below and hands them over; module code calls malloc() and its kind,
 * which the host offers as services. Which byte belongs to which block is noted
 * where the module cannot write, and every pointer that comes back is looked up
 * there: a module that corrupts its heap damages what is in its blocks, and no
 * more. With the mprotect backend that place is ordinary memory of the host, as
 * all records of the library are.
 *
 * The module can change what a block holds at any time, as all of its memory.
 */
#ifndef MODISO_HEAP_H
#define MODISO_HEAP_H

#include <modiso/export.h>
#include <modiso/gate.h>
#include <modiso/module.h>
#include <modiso/region.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Flags of modiso_heap_alloc(). */
#define MODISO_HEAP_ZERO (1u << 0) /* the block is filled with zeros */

/* What a heap holds. The caller sets struct_size before the call. */
struct modiso_heap_info {
	uint32_t struct_size; /* in, bytes */
	uint32_t unused;      /* 0 */
	void *base;           /* of the region */
	size_t length;        /* of the region, bytes */
	uint64_t used;        /* bytes of all blocks, as they were rounded up */
	uint64_t peak;        /* the most that this has been: see below */
	uint64_t blocks;      /* in use */
	uint64_t refused;     /* pointers that came back and are no block */
};
#define MODISO_HEAP_INFO_INIT MODISO_SIZED(modiso_heap_info)

/* Functions for module code; their types are the C library's. */
enum modiso_heap_function {
	MODISO_HEAP_MALLOC = 1,        /* void *malloc(size_t) */
	MODISO_HEAP_CALLOC = 2,        /* void *calloc(size_t, size_t) */
	MODISO_HEAP_REALLOC = 3,       /* void *realloc(void *, size_t) */
	MODISO_HEAP_ALIGNED_ALLOC = 4, /* void *aligned_alloc(size_t, size_t) */
	MODISO_HEAP_FREE = 5,          /* void free(void *) */
	MODISO_HEAP_USABLE_SIZE = 6,   /* size_t malloc_usable_size(void *) */
	MODISO_HEAP_BATCH = 7          /* many at a time: see below */
};

/*
 * modiso_heap_create - give a module a heap.
 * @module:  the module; it has none yet.
 * @length:  bytes, at least 1; rounded up to whole pages. The most that can be
 *           in use; memory is taken when it is first touched.
 * @options: of its region, as for modiso_region_create(); NULL for the
 *           defaults, with "heap" as its name.
 *
 * The region ends with modiso_heap_destroy() or with the module; it can neither
 * be destroyed nor protected by itself. A snapshot covers the blocks and who
 * has them: what was taken since is free again, what was freed since is not.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL  @module is NULL, @length is 0, too large or wraps when
 *                     rounded up, an option is unknown.
 *   MODISO_ERR_STATE  the module has a heap; or not initialised, or called from
 *                     inside a module.
 *   MODISO_ERR_LIMIT  the module's address range has no room.
 *   MODISO_ERR_NOMEM  no memory for bookkeeping.
 *   MODISO_ERR_OS     the kernel refused; errno says why.
 *
 * Cost:   about ten system calls; bookkeeping of 304 bytes a page, which takes
 *         memory as the heap is used. A thread keeps free blocks of up to 2048
 *         bytes for itself, 125 KiB at most: they are no part of what is in
 *         use, and are there for others when the heap is full.
 * Safety: MT-Safe. AS-Unsafe (takes the library's lock). Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_heap_create(struct modiso_module *module, size_t length,
		   const struct modiso_region_options *options);

/*
 * modiso_heap_destroy - take a module's heap away, with all blocks.
 * @module: NULL, or one without a heap, is allowed and does nothing.
 *
 * An image that "modiso-cc --heap" has made keeps blocks: it is to be unloaded
 * before, or it goes on handing them out when the module has another heap.
 *
 * Returns 0, or:
 *   MODISO_ERR_BUSY   a thread is inside the module, or a window on the heap's
 *                     region is open.
 *   MODISO_ERR_OS     the kernel refused (errno); the heap is as before.
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *
 * Cost:   a few system calls.
 * Safety: MT-Safe, MT-Unsafe with any other use of the heap. AS-Unsafe. Fork:
 *         safe.
 * Since:  0.1
 */
MODISO_API int
modiso_heap_destroy(struct modiso_module *module);

/*
 * modiso_heap_alloc - take a block.
 * modiso_heap_resize - make a block larger or smaller; it may move.
 * modiso_heap_free - give a block back.
 * modiso_heap_get_size - how many bytes a block has: as asked for, or more.
 * @module: the module whose heap it is.
 * @size:   bytes; 0 is 1. With modiso_heap_get_size() receives the answer.
 * @align:  a power of two, also of more than a page; 0: 16.
 * @flags:  MODISO_HEAP_ZERO or 0.
 * @block:  the beginning of a block. NULL: modiso_heap_resize() takes a new
 *          one, modiso_heap_free() does nothing.
 * @out:    receives the block; left untouched on failure, when @block stays.
 *
 * A pointer may be any number, one of a module's too: what is no block in use
 * is refused, and counted. A block that moves is aligned to 16 again.
 *
 * Return 0, or:
 *   MODISO_ERR_INVAL   @module, @out or @size is NULL, @align is no power of
 *                      two, a flag is unknown; or @block is inside of a block.
 *   MODISO_ERR_NOENT   the module has no heap; or no block in use begins at
 *                      @block: it was freed before, perhaps.
 *   MODISO_ERR_ACCESS  @block is not in the module's heap.
 *   MODISO_ERR_LIMIT   the heap has no room.
 *   MODISO_ERR_FAULT   the heap's pages went away (the module unmapped them).
 *   MODISO_ERR_STATE   not initialised, or called from inside a module.
 *
 * Cost:   O(1), and the bytes that are filled or moved. modiso_heap_alloc() and
 *         modiso_heap_free() of up to 2048 bytes take no lock as a rule,
 *         where the thread has called a gate before: one call of 16 takes it
 *         for 256 bytes or less, for more every second one at most. When the
 *         heap is full, a system call and a look at each thread.
 * Safety: MT-Safe. AS-Unsafe (takes a lock). Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int modiso_heap_alloc(struct modiso_module *module,
						   size_t size, size_t align,
						   uint32_t flags, void **out);
MODISO_API MODISO_MUST_CHECK int
modiso_heap_resize(struct modiso_module *module, void *block, size_t size,
		   void **out);
MODISO_API MODISO_MUST_CHECK int modiso_heap_free(struct modiso_module *module,
						  void *block);
MODISO_API MODISO_MUST_CHECK int
modiso_heap_get_size(struct modiso_module *module, const void *block,
		     size_t *size);

/*
 * modiso_heap_get_info - what a heap holds.
 * @module: the module.
 * @info:   receives the answer; struct_size set by the caller.
 *
 * What is in use is counted exactly. The peak is as exact for one thread; of
 * several that use the heap at the same time it can be too large, by 125 KiB
 * for each. Blocks that an image of "modiso-cc --heap" keeps are in use.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL  @module or @info is NULL, or struct_size is too small.
 *   MODISO_ERR_NOENT  the module has no heap.
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *
 * Cost:   a few instructions for each thread.
 * Safety: MT-Safe. AS-Unsafe (takes the library's lock). Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_heap_get_info(struct modiso_module *module,
		     struct modiso_heap_info *info);

/*
 * modiso_heap_function - what is to be made a service for module code.
 * @which: one of enum modiso_heap_function.
 *
 * modiso_service_create() makes it one, under the name by which images import
 * it ("malloc"). It works on the heap of the module that calls, and on that one
 * alone: NULL comes back when it has none, or no room. A pointer that is no
 * block is refused and counted, and the module goes on; its free() returns the
 * code, for callers that look at it. realloc() with a size of 0 frees nothing.
 *
 * MODISO_HEAP_BATCH gives blocks back and takes others, by one call:
 *
 *     size_t modiso_heap_batch(void **list, size_t give, size_t take,
 *                              size_t size);
 *
 * Of @list, memory of the module's, the first @give go back as by free(), 4096
 * at most. Then up to @take blocks of @size bytes are put there, 64 at most;
 * their number is the result. A list that the module may not touch, or a longer
 * one, ends its call with MODISO_FAULT_ACCESS. An image that "modiso-cc --heap"
 * has made takes small blocks by it, and calls it once for some thirty of them:
 * see modiso-cc(1) for what that changes.
 *
 * Returns the function, or NULL when @which is none of them.
 *
 * Cost:   none; a call costs a service call and that of modiso_heap_alloc().
 * Safety: MT-Safe. AS-Safe. Fork: safe. Not to be called by module code.
 * Since:  0.1
 */
MODISO_API modiso_fn modiso_heap_function(enum modiso_heap_function which);

#ifdef __cplusplus
}
#endif

#endif /* MODISO_HEAP_H */
