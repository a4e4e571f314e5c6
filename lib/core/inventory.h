/* SPDX-License-Identifier: MIT */
/*
 * core/inventory.h - words that all forms of the inventory have.
 */
#ifndef MDI_CORE_INVENTORY_H
#define MDI_CORE_INVENTORY_H

#include "core/region.h"

/* By the place of its link; NULL: there is none. */
struct modiso_module *mdi_inventory_module(uint32_t index);

const char *mdi_inventory_confinement(uint32_t level);
const char *mdi_inventory_rights(uint32_t access); /* "rw-" */
const char *mdi_inventory_kind(const struct modiso_region *region);

#endif /* MDI_CORE_INVENTORY_H */
