/* SPDX-License-Identifier: MIT */
/*
 * core/runs.h - the pages of a domain as few ranges of one protection each.
 */
#ifndef MDI_CORE_RUNS_H
#define MDI_CORE_RUNS_H

#include "backend/backend.h"

/*
 * @out becomes @runs with a range set to @prot, or taken out when @prot is
 * MDI_PROT_NONE. Neighbours of one protection become one run, unless they lie
 * @outside of the domain's own range. False when there is no memory. The
 * library's lock is held.
 */
bool mdi_runs_set(const struct mdi_runs *runs, char *base, size_t length,
		  uint32_t prot, bool outside, struct mdi_runs *out);
void mdi_runs_free(struct mdi_runs *runs);

#endif /* MDI_CORE_RUNS_H */
