/* SPDX-License-Identifier: MIT */
/*
 * code/image_debug.h - what debuggers and profilers learn of an image.
 */
#ifndef MDI_CODE_IMAGE_DEBUG_H
#define MDI_CODE_IMAGE_DEBUG_H

#include "code/image.h"

/*
 * As the options of the request ask. 0, MODISO_ERR_NOMEM, or MODISO_ERR_OS:
 * the map for perf cannot be written.
 */
int mdi_image_debug_add(struct modiso_image *image,
			const struct mdi_image_request *request);
/*
 * It goes: off the debugger's list, with the library's lock held; and the
 * debugger is told, without it. _remove() does both. May be said twice.
 */
void mdi_image_debug_unlist(struct modiso_image *image);
void mdi_image_debug_tell(struct modiso_image *image);
void mdi_image_debug_remove(struct modiso_image *image);
/* In the child of a fork: a thread that is not there may be telling. */
void mdi_image_debug_after_fork(void);
/* The memory; the library's lock is held. */
void mdi_image_debug_free(struct modiso_image *image);

/*
 * Move a copy of an image's file to where the image is. False: there is nothing
 * in it for a debugger.
 */
bool mdi_image_debug_move(char *file, size_t length, uintptr_t bias);

/* Lines for perf(1): image_perf.c. 0 or MODISO_ERR_OS. */
int mdi_image_perf_add(struct modiso_image *image);

#endif /* MDI_CODE_IMAGE_DEBUG_H */
