/* SPDX-License-Identifier: MIT */
/*
 * core/range.h - is a range of bytes a module's own?
 */
#ifndef MDI_CORE_RANGE_H
#define MDI_CORE_RANGE_H

#include "core/module.h"

/* 0 or MODISO_ERR_ACCESS with the sentence. Takes no lock. */
int mdi_range_check(const struct modiso_module *module, uintptr_t address,
		    size_t length, uint32_t access);

/* Bytes from @address on that are the module's, at most @length. */
size_t mdi_range_reach(const struct modiso_module *module, uintptr_t address,
		       size_t length, uint32_t access);

/*
 * Copy; 0, or MODISO_ERR_FAULT when the bytes at @side, which is @to or @from,
 * go away meanwhile. A fault on the other side is the host's own.
 */
int mdi_range_copy(void *to, const void *from, size_t length,
		   const void *side);

/* The same where the side is all of @region: both can be in it. */
int mdi_range_copy_within(const struct modiso_region *region, void *to,
			  const void *from, size_t length);

/* The bytes before the first zero; MODISO_ERR_LIMIT: no zero in @max bytes. */
int mdi_range_strnlen(const struct modiso_module *module, const char *string,
		      size_t max, size_t *length);

/*
 * Of many loads of a few bytes: mdi_copy() between these two does not end the
 * process when bytes of the range go away, it returns 1. Returned is the range
 * before, for mdi_range_unwatch(): that of a copy that this one's signal
 * handler has interrupted.
 */
struct mdi_range_side {
	uintptr_t base, length;
};

struct mdi_range_side mdi_range_watch(uintptr_t base, size_t length);
void mdi_range_unwatch(struct mdi_range_side outer);

/* For the fault handler: is @address on that side of this thread's copy? */
bool mdi_copy_covers(uintptr_t address);

#endif /* MDI_CORE_RANGE_H */
