/* SPDX-License-Identifier: MIT */
/*
 * core/host_frames.h - the host code that a module was called by.
 */
#ifndef MDI_CORE_HOST_FRAMES_H
#define MDI_CORE_HOST_FRAMES_H

#include <modiso/fault.h>

#include <stdbool.h>

#define MDI_HOST_FRAMES 24

/*
 * Return addresses, the innermost first: where the gate was called, and, while
 * the function that did so still runs on this thread, its callers. Unwinding is
 * left to those who want a report: a fault costs no more for it.
 */
unsigned mdi_host_frames(const struct modiso_fault *fault,
			 uintptr_t pcs[MDI_HOST_FRAMES]);
/* Is a count all that can be had, or was it too late for the callers? */
bool mdi_host_frames_all(unsigned count);

/* Those of the caller, of host code, itself the first; at most @max. */
unsigned mdi_frames_here(uintptr_t *pcs, unsigned max);

#endif /* MDI_CORE_HOST_FRAMES_H */
