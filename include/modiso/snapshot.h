/* SPDX-License-Identifier: MIT */
/*
 * modiso/snapshot.h - a module's memory as it was before: after a fault, or
 * between two inputs of a fuzzer.
 *
 * Part of a snapshot is every region that the module owns and may write, unless
 * its memory is the caller's or somebody else's too: regions that were adopted
 * or mapped from a file are left alone. So are regions that were read-only at
 * the time, and those that come later. A region that is destroyed stays so.
 * Stacks are emptied instead, by both functions: each run begins alike.
 */
#ifndef MODISO_SNAPSHOT_H
#define MODISO_SNAPSHOT_H

#include <modiso/export.h>
#include <modiso/module.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * modiso_snapshot_take - remember what a module's memory holds.
 * @module: the module. A snapshot that it has already is replaced.
 *
 * The contents go to a sealed file without a name, of which no descriptor stays
 * open; the pages of the regions become private pages of it. So the first write
 * to a page, now and after each modiso_snapshot_restore(), costs a page fault.
 * The snapshot ends with its module. While it lasts no region of it may become
 * executable.
 *
 * Nobody else may write the module's memory meanwhile, host code included.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL  @module is NULL.
 *   MODISO_ERR_BUSY   a thread is inside the module, or in a service that the
 *                     module called.
 *   MODISO_ERR_NOMEM  no memory for bookkeeping.
 *   MODISO_ERR_OS     the kernel refused; errno says why: EFBIG is
 *                     RLIMIT_FSIZE, which holds for such files as well.
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 * After MODISO_ERR_NOMEM and MODISO_ERR_OS the snapshot before can be lost; the
 * memory holds what it held.
 *
 * Cost:   one pass over the memory, a copy of the pages that are not zero, and
 *         a few system calls for each region.
 * Safety: MT-Safe, MT-Unsafe with gate calls into @module. AS-Unsafe (takes the
 *         library's lock). With the mprotect backend it waits until no thread
 *         is inside any module. Fork: safe; the child has its own.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_snapshot_take(struct modiso_module *module);

/*
 * modiso_snapshot_restore - bring a module's memory back to its snapshot.
 * @module: the module.
 *
 * It may be called any number of times. What the host keeps outside of the
 * module's regions is not restored: gates, services, pointers.
 *
 * What it takes goes by the pages that were written, some microseconds for each
 * with its page fault, and hardly by the size of the module. A small region, of
 * which one page in forty or more is written each time, is sooner brought back
 * by modiso_copy_out() from a copy that the host keeps, without a snapshot; a
 * heap and stacks are not brought back that way. "modiso-bench --rows snapshot"
 * measures both.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL  @module is NULL.
 *   MODISO_ERR_BUSY   a thread is inside the module, or in a service that the
 *                     module called.
 *   MODISO_ERR_NOENT  the module has no snapshot.
 *   MODISO_ERR_NOMEM  no memory for bookkeeping; nothing was restored.
 *   MODISO_ERR_OS     the kernel refused; errno says why; a part of the memory
 *                     may be restored.
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *
 * Cost:   one system call for each stretch of regions side by side, in which
 *         the kernel drops the pages that were touched since. Windows: each
 *         page is compared with a copy.
 * Safety: MT-Safe, MT-Unsafe with gate calls into @module: who runs in it
 *         meanwhile sees half of each. AS-Unsafe. On Windows it waits until no
 *         thread is inside any module. Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_snapshot_restore(struct modiso_module *module);

#ifdef __cplusplus
}
#endif

#endif /* MODISO_SNAPSHOT_H */
