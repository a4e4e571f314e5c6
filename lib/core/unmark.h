/* SPDX-License-Identifier: MIT */
/*
 * core/unmark.h - stacks whose functions were left without their ends, in
 * programs with AddressSanitizer.
 *
 * That marks the bytes around variables of functions, and each function takes
 * its marks away at its end. Those of one that a fault, a jump or an abandon
 * has left stay, and the next function there is told of an overflow that is
 * none. In all other programs these do nothing. All are AS-Safe.
 */
#ifndef MDI_CORE_UNMARK_H
#define MDI_CORE_UNMARK_H

#include "base/common.h"

struct mdi_thread;

/* The module's stack that @sp is on, if it is on one. */
void mdi_unmark_stack(uintptr_t sp);

/* What handlers and gates may have had right below @sp. */
void mdi_unmark_below(uintptr_t sp);

struct mdi_frame;
/* The host's stack from @sp to where the gate of @frame was called. */
void mdi_unmark_host(const struct mdi_frame *frame, uintptr_t sp);

/* All stacks of the thread in modules, and the host's from @sp to its gate. */
void mdi_unmark_all(const struct mdi_thread *thread, uintptr_t sp);

#endif /* MDI_CORE_UNMARK_H */
