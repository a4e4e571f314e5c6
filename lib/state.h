/* SPDX-License-Identifier: MIT */
/*
 * state.h - what this layer can change: see base/state.h.
 */
#ifndef MDI_STATE_H
#define MDI_STATE_H

#include "base/state.h"

extern struct mdi_top_state {
	/* Signals that signal() is not to restart calls for: siginterrupt() */
	uint64_t interrupting;
} MDI_STATE mdi_top_state;

#endif /* MDI_STATE_H */
