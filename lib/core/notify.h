/* SPDX-License-Identifier: MIT */
/*
 * core/notify.h - who is told of faults: a filter, a landing and their
 * argument, which are changed as one. A module's own, or the library's.
 */
#ifndef MDI_CORE_NOTIFY_H
#define MDI_CORE_NOTIFY_H

#include <modiso/fault.h>

#include "base/latch.h"

struct mdi_thread;

struct mdi_told {
	modiso_filter_fn filter;
	modiso_landing_fn landing;
	void *arg;
};

struct mdi_notify {
	MDI_LATCH(struct mdi_told) latch;
};

/* NULL: for modules without filter and landing. */
void mdi_notify_set(struct modiso_module *module, modiso_filter_fn filter,
		    modiso_landing_fn landing, void *arg);

/* In the fault handler; @thread is NULL for one that is not attached. */
enum modiso_verdict mdi_notify_ask(struct mdi_thread *thread,
				   const struct modiso_fault *fault);

/* On the host's stack. The landing has a copy: it may fault modules as well. */
void mdi_notify_tell(const struct modiso_fault *fault);

#endif /* MDI_CORE_NOTIFY_H */
