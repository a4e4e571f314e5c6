/* SPDX-License-Identifier: MIT */
/*
 * front/windows/state.h - what this layer can change: see base/state.h.
 */
#ifndef MDI_FRONT_WINDOWS_STATE_H
#define MDI_FRONT_WINDOWS_STATE_H

#include "base/state.h"

extern struct mdi_front_state {
	void *handler; /* AddVectoredExceptionHandler(); NULL: not in */
} MDI_STATE mdi_front_state;

#endif /* MDI_FRONT_WINDOWS_STATE_H */
