/* SPDX-License-Identifier: MIT */
/*
 * core/snapshot.h - what a module's memory held, to be had again.
 *
 * The contents go to a file that nobody can change or open any more, and the
 * module's pages become private pages of it: the kernel copies those that are
 * written, and dropping the copies brings the contents back.
 */
#ifndef MDI_CORE_SNAPSHOT_H
#define MDI_CORE_SNAPSHOT_H

#include "core/module.h"

struct mdi_snapshot {
	struct mdi_extent *span; /* what is dropped, in order of address */
	size_t count, room;
	bool stale; /* regions came or went: make the list anew */
};

/* They take the library's lock: they may have to wait for a module. */
int mdi_snapshot_take(struct modiso_module *module);
int mdi_snapshot_restore(struct modiso_module *module);

/* The library's lock is held in these. */
void mdi_snapshot_free(struct modiso_module *module);

static inline void mdi_snapshot_stale(struct modiso_module *module)
{
	if (module->snapshot != NULL)
		module->snapshot->stale = true;
}

#endif /* MDI_CORE_SNAPSHOT_H */
