/* SPDX-License-Identifier: MIT */
/*
 * core/grant.h - rights of modules to regions that they do not own.
 *
 * Regions that the same modules have the same rights to are a set. A backend
 * opens and closes it as one domain.
 */
#ifndef MDI_CORE_GRANT_H
#define MDI_CORE_GRANT_H

#include "core/region.h"

/* Modules with rights to one region, its owner among them. */
#define MDI_SHARERS_MAX 24

struct mdi_set {
	struct mdi_domain domain; /* first; its shares are those below */
	struct mdi_set *next, **link;
	struct modiso_region *regions;
	struct mdi_share share[MDI_SHARERS_MAX];
};

static inline bool mdi_region_granted(const struct modiso_region *region)
{
	return region->domain != &region->owner->domain;
}

/* What @module may do with @region; 0: nothing. AS-Safe. */
uint32_t mdi_grant_rights(const struct modiso_module *module,
			  const struct modiso_region *region);

/* The library's lock is held in all of these. @access 0: nothing any more. */
int mdi_grant_change(struct modiso_region *region, struct modiso_module *module,
		     uint32_t access);

/* A module ends: it has rights to nobody's regions any more. */
int mdi_grants_give_back(struct modiso_module *module);
/* The last step of that, which cannot fail. */
void mdi_grants_forget(struct modiso_module *module);
void mdi_grants_reset(void);

/* "region r is granted to module m": MODISO_ERR_BUSY. */
int mdi_grant_busy(const struct modiso_region *region);

/* The modules that @region was granted to; how many, at most @room of them */
size_t mdi_grant_list(const struct modiso_region *region,
		      const struct mdi_share **out, size_t room);

#endif /* MDI_CORE_GRANT_H */
