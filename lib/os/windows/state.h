/* SPDX-License-Identifier: MIT */
/*
 * os/windows/state.h - what this layer can change: see base/state.h.
 */
#ifndef MDI_OS_WINDOWS_STATE_H
#define MDI_OS_WINDOWS_STATE_H

#include "base/state.h"

extern struct mdi_os_state {
	uint64_t per_second; /* ticks of the clock; the same for ever */
} MDI_STATE mdi_os_state;

#endif /* MDI_OS_WINDOWS_STATE_H */
