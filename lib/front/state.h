/* SPDX-License-Identifier: MIT */
/*
 * front/state.h - what this layer can change: see base/state.h.
 */
#ifndef MDI_FRONT_STATE_H
#define MDI_FRONT_STATE_H

#include "base/state.h"
#include "os/lock.h"

extern struct mdi_front_state {
	struct mdi_lock cancel; /* one thread alone meets the first of all */
	/* Signals that signal() is not to restart calls for: siginterrupt() */
	uint64_t interrupting;
} MDI_STATE mdi_front_state;

#endif /* MDI_FRONT_STATE_H */
