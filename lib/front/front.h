/* SPDX-License-Identifier: MIT */
/*
 * front/front.h - the layer in front of the program: core/front.h says what
 * core wants of it.
 */
#ifndef MDI_FRONT_FRONT_H
#define MDI_FRONT_FRONT_H

#include "core/front.h"
#include "core/runtime.h"

extern const struct mdi_front mdi_front;

/* What this layer and os/ can change: a list, as core/runtime.h has it. */
extern const struct mdi_layer mdi_front_layers[];

/*
 * Does nothing; who calls it has the functions that this layer defines for the
 * program linked in from the archive as well, even where a sanitizer's library
 * offers them first.
 */
void mdi_interpose(void);

/*
 * Before the first guarded module: the C library's own handlers, which it puts
 * in by itself, have the library in front of them (core/guard.h).
 */
void mdi_handlers_meet(void);

/* The calling thread, host code, is about to go by that block. AS-Safe. */
void mdi_mask_needed(const struct mdi_thread *block);

#endif /* MDI_FRONT_FRONT_H */
