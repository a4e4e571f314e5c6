/* SPDX-License-Identifier: MIT */
/*
 * modiso/window.h - host code opens a region for itself.
 *
 * For regions that are closed to the host too (MODISO_REGION_CLOSED), and for
 * system calls on module memory with the mprotect backend, where the kernel
 * answers EFAULT while the memory happens to be closed.
 */
#ifndef MODISO_WINDOW_H
#define MODISO_WINDOW_H

#include <modiso/export.h>
#include <modiso/region.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * modiso_window_open - open a region for the calling thread.
 * @region: any region.
 * @access: MODISO_READ, or MODISO_READ | MODISO_WRITE; no more than the pages
 *          of the region allow.
 *
 * pkey: changes the rights of the calling thread alone. mprotect: waits until
 * no module runs, which interrupts those that stay, then keeps modules out, and
 * the region open to the process, until the window is closed. Windows nest, up
 * to 16 on one thread, and are closed in reverse order. A window does not reach
 * into a module: a gate call made while one is open gives the module no right
 * from it. A thread that is made while one is open begins with its maker's
 * rights, as the kernel gives them, and loses them when it attaches
 * (modiso/thread.h).
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL   @region is NULL, or @access is neither.
 *   MODISO_ERR_ACCESS  the region's pages do not allow @access.
 *   MODISO_ERR_LIMIT   16 windows are open on this thread, or too many
 *                      threads use the library.
 *   MODISO_ERR_NOMEM   no memory for this thread's state.
 *   MODISO_ERR_OS      the kernel refused a call; errno says how.
 *   MODISO_ERR_STATE   not initialised, or called from inside a module.
 *
 * Cost:   pkey: tens of instructions. mprotect: the lock, and the system calls
 *         that open the region, if it was closed.
 * Safety: MT-Safe. AS-Unsafe. Fork: the child keeps the window.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_window_open(struct modiso_region *region, uint32_t access);

/*
 * modiso_window_close - close this thread's innermost window.
 * @region: the region that it was opened for.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL  @region is NULL, or is not the innermost window's.
 *   MODISO_ERR_STATE  no window is open on this thread, not initialised, or
 *                     called from inside a module.
 *
 * Cost:   as modiso_window_open().
 * Safety: as modiso_window_open().
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_window_close(struct modiso_region *region);

#ifdef __cplusplus
}
#endif

#endif /* MODISO_WINDOW_H */
