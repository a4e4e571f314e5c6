/* SPDX-License-Identifier: MIT */
/*
 * os/windows/state.h - what this layer can change: see base/state.h.
 */
#ifndef MDI_OS_WINDOWS_STATE_H
#define MDI_OS_WINDOWS_STATE_H

#include "base/state.h"
#include "os/lock.h"

/* Copies that are open by a number at the same time. */
#define MDI_COPIES_OPEN 8

struct mdi_views_state {
	struct mdi_lock lock; /* all of this; nests in any lock, none in it */
	struct mdi_copy_file *open[MDI_COPIES_OPEN]; /* NULL: a free number */
	struct mdi_view *views; /* in order of address */
	size_t count, room;
};

extern struct mdi_os_state {
	uint64_t per_second; /* ticks of the clock; the same for ever */
	struct mdi_views_state views;
} MDI_STATE mdi_os_state;

#endif /* MDI_OS_WINDOWS_STATE_H */
