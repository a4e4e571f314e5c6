/* SPDX-License-Identifier: MIT */
/*
 * backend/lease.h - the host's state for one thread that faulted its way to it.
 * The keeper's lock is held.
 */
#ifndef MDI_BACKEND_LEASE_H
#define MDI_BACKEND_LEASE_H

#include "base/common.h"

/* The calling thread's, which has wished for it then. */
void mdi_lease_begin(uint64_t wished_ns);
/* Nanoseconds that it still runs; ends it when none are left. */
uint64_t mdi_lease_left(void);

#endif /* MDI_BACKEND_LEASE_H */
