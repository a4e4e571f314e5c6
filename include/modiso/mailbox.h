/* SPDX-License-Identifier: MIT */
/*
 * modiso/mailbox.h - bytes of the host that a module has for one call.
 *
 * A mailbox is memory of the module's that host code fills before a call and
 * empties behind it: arrays and strings that are handed over by pointer. Each
 * thread (and each fiber) has one of its own in each module, so nobody waits
 * for anybody, and taking room is an addition. What was put last goes first:
 *
 *     struct modiso_module *unit;
 *     void *in, *out;
 *
 *     modiso_mailbox_put(unit, names, sizeof(names), &in);
 *     modiso_mailbox_put(unit, NULL, sizeof(values), &out);
 *     get_values(in, 3, out);
 *     modiso_mailbox_get(unit, values, out, sizeof(values));
 *     modiso_mailbox_reset(unit, in);
 *
 * A service that calls the module again puts above what lies there, and resets
 * to its own first address. What a mailbox holds is as much the module's as all
 * of its memory: it can read what the host has put there for any call, also
 * later, and change it at any time.
 */
#ifndef MODISO_MAILBOX_H
#define MODISO_MAILBOX_H

#include <modiso/export.h>
#include <modiso/module.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * modiso_mailbox_put - room in the calling thread's mailbox, and bytes in it.
 * @module: whose memory it is.
 * @from:   the host's bytes; NULL: room alone, in which anything may lie.
 * @length: bytes; 0 is allowed.
 * @out:    receives the address, aligned to 16, good in the module and for
 *          modiso_copy_out(); left untouched on failure.
 *
 * The thread's first one makes the mailbox, of the size that
 * modiso_module_options.mailbox_size says. It is a region of the module's, is
 * emptied by snapshots as stacks are, and ends with the module; another thread
 * has it when this one has ended. The host's bytes are not checked: a fault
 * there is the host's own.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL  @module or @out is NULL.
 *   MODISO_ERR_LIMIT  the mailbox has no room; or the module's range has none
 *                     for a mailbox; or 16383 modules exist, those counted
 *                     twice that have mailboxes.
 *   MODISO_ERR_NOMEM  no memory for bookkeeping.
 *   MODISO_ERR_OS     the kernel refused the pages; errno says why.
 *   MODISO_ERR_FAULT  the pages went away (the module unmapped them).
 *   MODISO_ERR_STATE  not initialised, or called from inside a module; or a
 *                     code of a thread's first gate call.
 *
 * Cost:   some 80 instructions, and one pass over the bytes. A thread's first
 *         one as a region. With page permissions a fault, if the module's
 *         memory is closed to the host because another module ran since.
 * Safety: MT-Safe. AS-Unsafe (the first one takes the library's lock). Fork:
 *         safe; the child has what its thread has put.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_mailbox_put(struct modiso_module *module, const void *from,
		   size_t length, void **out);

/*
 * modiso_mailbox_get - copy from the calling thread's mailbox.
 * @module: whose memory it is.
 * @to:     the host's bytes.
 * @from:   an address in what this thread has put there.
 * @length: bytes; 0 is allowed.
 *
 * As modiso_copy_in(), without a search for whose memory that is.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL   @module is NULL, or @to is and @length is not 0.
 *   MODISO_ERR_ACCESS  a byte is not in what this thread has put.
 *   MODISO_ERR_FAULT   the bytes went away. The target is partly written.
 *   MODISO_ERR_STATE   not initialised, or called from inside a module.
 *
 * Cost:   some 80 instructions, and one pass over the bytes.
 * Safety: MT-Safe. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_mailbox_get(struct modiso_module *module, void *to, const void *from,
		   size_t length);

/*
 * modiso_mailbox_reset - take back what was put, from an address on.
 * @module: whose memory it is.
 * @first:  what modiso_mailbox_put() has returned on this thread: that and all
 *          that was put later is free again. NULL is allowed and does nothing.
 *
 * Also behind a call that has faulted, and for what calls have put that were
 * left by an exception. The bytes stay in the module's memory until something
 * else is put there.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL  @module is NULL, or @first is no address in what this
 *                     thread has put there.
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *
 * Cost:   some 40 instructions.
 * Safety: MT-Safe. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API int
modiso_mailbox_reset(struct modiso_module *module, void *first);

#ifdef __cplusplus
}
#endif

#endif /* MODISO_MAILBOX_H */
