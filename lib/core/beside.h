/* SPDX-License-Identifier: MIT */
/*
 * core/beside.h - what lies next to an address that a module may not touch.
 *
 * A stray pointer and the end of one's own region are mended at different
 * places, and what stopped the access (a guard page, a hole, somebody else's
 * region) says nothing of which it was. AS-Safe.
 */
#ifndef MDI_CORE_BESIDE_H
#define MDI_CORE_BESIDE_H

#include <modiso/fault.h>

#include "core/trap.h"

/* The regions next to the address, and whether one of them was overrun. */
void mdi_beside_record(struct modiso_fault *fault, const struct mdi_trap *trap);

/* Is that page the library's void page: a guard, a hole in a module's range? */
bool mdi_beside_is_void(const struct mdi_trap *trap);

#endif /* MDI_CORE_BESIDE_H */
