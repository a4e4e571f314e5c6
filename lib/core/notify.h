/* SPDX-License-Identifier: MIT */
/*
 * core/notify.h - who is told of faults: a filter, a landing and their
 * argument, which are changed as one.
 */
#ifndef MDI_CORE_NOTIFY_H
#define MDI_CORE_NOTIFY_H

#include <modiso/fault.h>

#include "base/latch.h"

struct mdi_told {
	modiso_filter_fn filter;
	modiso_landing_fn landing;
	void *arg;
};

struct mdi_notify {
	MDI_LATCH(struct mdi_told) latch;
};

#endif /* MDI_CORE_NOTIFY_H */
