/* SPDX-License-Identifier: MIT */
/*
 * core/fiber.h - hosts that switch stacks: which block a thread goes by.
 */
#ifndef MDI_CORE_FIBER_H
#define MDI_CORE_FIBER_H

#include <modiso/fiber.h>

#include "core/thread.h"

/* The library's lock is held in these. */
int mdi_fiber_create(struct mdi_thread **out);
int mdi_fiber_destroy(struct mdi_thread *fiber);

/* The calling thread, which is attached, goes on as @to; NULL: as itself. */
int mdi_fiber_switch(struct mdi_thread *to);

#endif /* MDI_CORE_FIBER_H */
