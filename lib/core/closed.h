/* SPDX-License-Identifier: MIT */
/*
 * core/closed.h - memory in no region that the host has closed to modules which
 * are confined, where that is not each thread's own matter
 * (modiso_options.closed).
 */
#ifndef MDI_CORE_CLOSED_H
#define MDI_CORE_CLOSED_H

#include "base/common.h"

struct modiso_options;

/* Can it be had here? 0, or MODISO_ERR_NOTSUP. */
int mdi_closed_check(const struct modiso_options *options);

/*
 * What it is by now: of the objects that are loaded and of the heap, less the
 * library's own memory, all regions, and [base, end), which is about to become
 * one or is empty. Stacks come and go with their threads, and the backend knows
 * them. The library's lock is held. 0, or MODISO_ERR_LIMIT.
 */
int mdi_closed_update(uintptr_t base, uintptr_t end);

/*
 * What of [base, end), which is in no region and can be written, is neither
 * closed nor an object's nor the library's own; nothing where none is closed.
 * In steady().
 */
void mdi_closed_open(uintptr_t base, uintptr_t end,
		     void (*each)(void *arg, uintptr_t base, uintptr_t end),
		     void *arg);

#endif /* MDI_CORE_CLOSED_H */
