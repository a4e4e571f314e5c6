/* SPDX-License-Identifier: MIT */
/*
 * core/window.h - host code opens a region for its own thread.
 */
#ifndef MDI_CORE_WINDOW_H
#define MDI_CORE_WINDOW_H

#include "core/region.h"

/* The lock is not held: with mprotect, opening waits. */
int mdi_window_open(struct modiso_region *region, uint32_t access);
int mdi_window_close(struct modiso_region *region);

#endif /* MDI_CORE_WINDOW_H */
