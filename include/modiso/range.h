/* SPDX-License-Identifier: MIT */
/*
 * modiso/range.h - what host code uses on pointers that a module handed it.
 *
 * A pointer from a module is a number. modiso_range_check() says whether the
 * module itself could have touched what it points to; the copies check, copy
 * and survive a module that changes or unmaps the bytes meanwhile. Copy first,
 * look then: what was checked in place can have changed.
 */
#ifndef MODISO_RANGE_H
#define MODISO_RANGE_H

#include <modiso/export.h>
#include <modiso/module.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * modiso_range_check - may @module touch these bytes itself?
 * @module:  the module.
 * @address: first byte.
 * @length:  bytes; 0 asks for nothing and is allowed at any address.
 * @access:  MODISO_READ, MODISO_READ | MODISO_WRITE or MODISO_READ |
 *           MODISO_EXEC.
 *
 * Looks at regions and at the module's stacks alone: memory that is in no
 * region is refused, also where the module's confinement leaves it open. The
 * range may cross from one region of the module into the next.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL   @module is NULL or @access is another one.
 *   MODISO_ERR_ACCESS  the range wraps, or a byte of it is not the module's or
 *                      not open to @access; the sentence names the byte and
 *                      whose it is.
 *   MODISO_ERR_STATE   not initialised, or called from inside a module.
 *
 * Cost:   O(log n) for n regions.
 * Safety: MT-Safe. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_range_check(struct modiso_module *module, const void *address,
		   size_t length, uint32_t access);

/*
 * modiso_copy_in - copy from a module, once, then forget its pointer.
 * modiso_copy_out - copy to a module.
 * @module: the module that named the address.
 * @to:     where to.
 * @from:   where from.
 * @length: bytes; 0 is allowed.
 *
 * The module's side is checked as by modiso_range_check(). The host's side is
 * not checked: a fault there is the host's own.
 *
 * Return 0, or:
 *   MODISO_ERR_INVAL   @module is NULL, or the host's side is NULL and @length
 *                      is not 0.
 *   MODISO_ERR_ACCESS  the module could not have touched it itself.
 *   MODISO_ERR_FAULT   the bytes went away during the copy (unmapped, or their
 *                      file was truncated). The target is partly written.
 *   MODISO_ERR_STATE   not initialised, or called from inside a module.
 *
 * Cost:   the check, and one pass over the bytes.
 * Safety: MT-Safe. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int modiso_copy_in(struct modiso_module *module,
						void *to, const void *from,
						size_t length);
MODISO_API MODISO_MUST_CHECK int modiso_copy_out(struct modiso_module *module,
						 void *to, const void *from,
						 size_t length);

/*
 * modiso_strnlen - the length of a string that a module handed over.
 * @module: the module that named it.
 * @string: its first byte.
 * @max:    bytes to look at, the final zero included.
 * @length: receives the bytes before the zero.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL   @module or @length is NULL, or @max is 0.
 *   MODISO_ERR_ACCESS  the string runs into memory that is not the module's.
 *   MODISO_ERR_LIMIT   there is no zero in the first @max bytes.
 *   MODISO_ERR_FAULT   the bytes went away meanwhile.
 *   MODISO_ERR_STATE   not initialised, or called from inside a module.
 *
 * Cost:   O(log n) for n regions and each region that it crosses, one pass.
 * Safety: MT-Safe. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int modiso_strnlen(struct modiso_module *module,
						const char *string, size_t max,
						size_t *length);

#ifdef __cplusplus
}
#endif

#endif /* MODISO_RANGE_H */
