/* SPDX-License-Identifier: MIT */
/*
 * backend/mprotect_touch.h - host code wants what is closed because a module
 * runs, or because another one ran.
 */
#ifndef MDI_BACKEND_MPROTECT_TOUCH_H
#define MDI_BACKEND_MPROTECT_TOUCH_H

#include "backend/backend.h"

/*
 * struct mdi_backend, host_fault(): wait for the host's state, open it, and let
 * the access be tried again.
 */
bool mdi_touch_fault(struct mdi_thread *thread, struct mdi_domain *domain,
		     const struct mdi_event *event,
		     struct mdi_context *context);

/*
 * struct mdi_process_rights. Another thread's module stands aside before a
 * handler does anything; and for a fork, which copies what is closed.
 */
uint32_t mdi_touch_lift(void);
void mdi_touch_before_fork(void);
void mdi_touch_after_fork_parent(void);

#endif /* MDI_BACKEND_MPROTECT_TOUCH_H */
