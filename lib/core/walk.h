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

/*
 * The same in the signal handler, of @thread, which is inside a module and goes
 * on there; NULL: one that a module has made. Waits for
 * the library's lock a hundredth of a second at most, as its owner may wait for
 * the module to be left: then there are no frames. AS-Safe.
 */
struct mdi_thread;
void mdi_walk_record_now(struct modiso_fault *fault, struct mdi_thread *thread);

/*
 * Where host code has called a gate that is under way: the return address.
 * Where modiso_gate_call() was called that is its caller's; the library's own
 * where it cannot be found. AS-Safe.
 */
struct mdi_frame;
uintptr_t mdi_walk_caller(const struct mdi_frame *gate);

/* The file whose code that is: an image, or an object of the host's. */
bool mdi_walk_object(uintptr_t pc, struct mdi_cfi *cfi);

#endif /* MDI_CORE_WALK_H */
