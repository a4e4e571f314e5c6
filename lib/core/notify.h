/* SPDX-License-Identifier: MIT */
/*
 * core/notify.h - who is told of faults: a filter, a landing and their
 * argument, which are changed as one.
 *
 * Two copies and a count. A writer fills the copy that the count does not name,
 * then the count names it. A reader, which may be a signal handler that has
 * interrupted the writer, takes the copy that the count names, and another when
 * the count has changed meanwhile.
 */
#ifndef MDI_CORE_NOTIFY_H
#define MDI_CORE_NOTIFY_H

#include <modiso/fault.h>

#include "base/common.h"

struct mdi_told {
	modiso_filter_fn filter;
	modiso_landing_fn landing;
	void *arg;
};

struct mdi_notify {
	struct mdi_told copy[2];
	uint32_t count;
};

/* One writer at a time. */
void mdi_notify_set(struct mdi_notify *notify, const struct mdi_told *told);

/* AS-Safe. */
struct mdi_told mdi_notify_get(const struct mdi_notify *notify);

#endif /* MDI_CORE_NOTIFY_H */
