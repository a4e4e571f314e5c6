/* SPDX-License-Identifier: MIT */
/*
 * os/windows/state.h - what this layer can change: see base/state.h.
 */
#ifndef MDI_OS_WINDOWS_STATE_H
#define MDI_OS_WINDOWS_STATE_H

#include "base/state.h"
#include "os/lock.h"

/*
 * Files that are open by a number at the same time: copies, and shared memory.
 * The numbers are none that the C library gives.
 */
#define MDI_FILES_OPEN 8
#define MDI_FILE_FIRST 0x100000

struct mdi_open_file {
	struct mdi_copy_file *copy;
	void *section; /* a handle; NULL: it is a copy */
	bool writable;
};

struct mdi_views_state {
	struct mdi_lock lock; /* all of this; nests in any lock, none in it */
	struct mdi_open_file open[MDI_FILES_OPEN]; /* all zero: free */
	struct mdi_view *views; /* in order of address */
	size_t count, room;
};

extern struct mdi_os_state {
	uint64_t per_second; /* ticks of the clock; the same for ever */
	struct mdi_views_state views;
} MDI_STATE mdi_os_state;

#endif /* MDI_OS_WINDOWS_STATE_H */
