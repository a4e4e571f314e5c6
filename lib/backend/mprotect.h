/* SPDX-License-Identifier: MIT */
/*
 * backend/mprotect.h - what plain gates ask of page permissions.
 */
#ifndef MDI_BACKEND_MPROTECT_H
#define MDI_BACKEND_MPROTECT_H

#include "backend/backend.h"

/*
 * The thread's module counts as one that runs: 0, or a code, and nothing has
 * changed. Signals are kept away but while it waits for others to leave.
 */
int mdi_mprotect_enter(struct mdi_domain *domain, struct mdi_thread *thread);
void mdi_mprotect_leave(struct mdi_thread *thread);

#endif /* MDI_BACKEND_MPROTECT_H */
