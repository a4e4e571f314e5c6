/* SPDX-License-Identifier: MIT */
/*
 * contract/heap_image.h - a module whose image modiso-cc --heap has made: its
 * functions take blocks from its own malloc(), which gets them from the host's
 * service many at a time.
 */
#ifndef TESTS_CONTRACT_HEAP_IMAGE_H
#define TESTS_CONTRACT_HEAP_IMAGE_H

#include "contract/heap_user.h"

#include <stdatomic.h>

typedef MODISO_CALL size_t batch_fn(void **list, size_t give, size_t take,
				    size_t size);

/* By which the image was compiled: gcc, clang. */
#define HEAP_COMPILERS 2

extern struct modiso_module *module;
extern struct modiso_image *image;
extern atomic_uint services; /* calls of the host's, by any thread */

/* Gates to the image's functions: modules/heap.c. */
extern struct modiso_gate *take, *take_zeros, *resize, *give, *pairs, *churn,
	*hoard, *give_hoard;

/* Ends the case as skipped where the tests were built without that compiler. */
const char *heap_image_path(int compiler);

/* Starts the library, a module with a heap of @length, and the image in it. */
void heap_image_begin(int compiler, size_t length);

/* Unloads the image, and the heap is one block of @length again. */
void heap_image_end(size_t length);

#endif /* TESTS_CONTRACT_HEAP_IMAGE_H */
