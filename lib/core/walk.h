/* SPDX-License-Identifier: MIT */
/*
 * core/walk.h - a module's own stack, when it has faulted.
 *
 * Not in the signal handler: where the thread has landed, its module's stack
 * is still as it was, and what is read of it can be read by the copy that may
 * fault. Nothing is followed but call-frame information, so a stack that the
 * module has broken leads to nothing but an early end.
 */
#ifndef MDI_CORE_WALK_H
#define MDI_CORE_WALK_H

#include <modiso/fault.h>

#include "base/common.h"

struct mdi_cfi;

/*
 * The frames from the record's registers up to the gate, and the bytes of the
 * instruction. @foreign: a thread that the module has made, whose stack is in
 * no region.
 */
void mdi_walk_record(struct modiso_fault *fault, bool foreign);

/* The file whose code that is: an image, or an object of the host's. */
bool mdi_walk_object(uintptr_t pc, struct mdi_cfi *cfi);

#endif /* MDI_CORE_WALK_H */
