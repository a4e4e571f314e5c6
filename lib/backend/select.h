/* SPDX-License-Identifier: MIT */
/*
 * backend/select.h - which backend it is to be.
 */
#ifndef MDI_BACKEND_SELECT_H
#define MDI_BACKEND_SELECT_H

#include "backend/backend.h"

/* NULL for a number that is no backend. */
const struct mdi_backend *mdi_select_by_id(uint32_t id);

/* One backend's answer, everything filled in; returns as its probe does. */
int mdi_select_probe(const struct mdi_backend *backend,
		     struct modiso_backend_info *info);

/*
 * The backend that @options, the environment, or the order of strength name.
 * 0, or the codes of modiso_init().
 */
int mdi_select(const struct modiso_options *options,
	       const struct mdi_backend **out);

#endif /* MDI_BACKEND_SELECT_H */
