/* SPDX-License-Identifier: MIT */
/*
 * backend/mprotect.h - what plain gates ask of page permissions.
 */
#ifndef MDI_BACKEND_MPROTECT_H
#define MDI_BACKEND_MPROTECT_H

#include "backend/backend.h"
#include "backend/curtain.h"

/*
 * The thread's module counts as one that runs: 0, or a code, and nothing has
 * changed. Signals are kept away but while it waits for others to leave. errno
 * stays, unless it fails.
 */
int mdi_mprotect_enter(struct mdi_domain *domain, struct mdi_thread *thread);
void mdi_mprotect_leave(struct mdi_thread *thread);
/* A handler's thread needs the host's state: it leaves, if it has not yet. */
void mdi_mprotect_step_out(struct mdi_thread *thread);

/*
 * Memory in no region, for a module that is confined: the last step of all on
 * the way in; mdi_curtain_open() is the first one on the way out. 0, or a code:
 * it is open.
 */
static inline int mdi_mprotect_close(const struct mdi_domain *domain)
{
	if (domain->confinement == MODISO_CONFINE_GUARD)
		return 0;
	return mdi_curtain_close(domain->confinement ==
						 MODISO_CONFINE_READONLY ?
					 MDI_PROT_READ :
					 MDI_PROT_NONE);
}

#endif /* MDI_BACKEND_MPROTECT_H */
