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

/* The calling thread ends: with it go the windows that it has open. */
void mdi_windows_close(struct mdi_thread *thread);

/*
 * In the child of a fork: first for each thread that is not there any more,
 * then for the one that is.
 */
void mdi_windows_forget(const struct mdi_thread *gone);
void mdi_windows_count(const struct mdi_thread *thread);

#endif /* MDI_CORE_WINDOW_H */
