/* SPDX-License-Identifier: MIT */
/*
 * code/executable.h - what bytes may become code of a module.
 *
 * Each piece is looked at once, when it becomes executable, and by itself. So
 * that two of them side by side hold no instruction that neither holds, no
 * piece may end within one: what comes behind it, now or later, cannot
 * complete what was not begun. Which pieces lie where, and which came first,
 * does not matter. In front of a module's range lies a page that is never
 * code (core/arena.c), so nothing of the host begins one either.
 */
#ifndef MDI_CODE_EXECUTABLE_H
#define MDI_CODE_EXECUTABLE_H

#include "code/scan.h"
#include "core/region.h"

/*
 * Bytes that nobody can write any more. 0, or MODISO_ERR_GADGET with the place
 * in @place, and no sentence: only the caller knows the names.
 */
int mdi_executable_scan(const struct modiso_module *module, const void *bytes,
			size_t length, struct mdi_scan_place *place);

/*
 * modiso_region_protect() to read and execute. The library's lock is not held:
 * with page permissions its bytes are read from within a window.
 */
int mdi_executable_protect(struct modiso_region *region);

#endif /* MDI_CODE_EXECUTABLE_H */
