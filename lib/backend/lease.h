/* SPDX-License-Identifier: MIT */
/*
 * backend/lease.h - the host's state for one thread that faulted its way to it.
 * The keeper's lock is held.
 */
#ifndef MDI_BACKEND_LEASE_H
#define MDI_BACKEND_LEASE_H

#include "backend/state.h"

/* The calling thread's, which has wished for it then. */
void mdi_lease_begin(uint64_t wished_ns);
/*
 * The calling thread wants to be in a module: it has no more use for the lease,
 * if that is its own. Were it to wait for the end, a signal whose handler
 * touches what is guarded would begin another one before that, and so on
 * without end.
 */
void mdi_lease_give_back(void);
/* Nanoseconds that the one there is still runs; ends it when none are left. */
uint64_t mdi_lease_look(void);

/* The same; mostly there is none. */
static inline uint64_t mdi_lease_left(void)
{
	return mdi_backend_state.keeper.lease_end_ns != 0 ? mdi_lease_look() :
							    0;
}

#endif /* MDI_BACKEND_LEASE_H */
