/* SPDX-License-Identifier: MIT */
/*
 * code/image_bind.h - what undefined symbols may be bound to: the host's list
 * of services, by name.
 */
#ifndef MDI_CODE_IMAGE_BIND_H
#define MDI_CODE_IMAGE_BIND_H

#include <modiso/image.h>

#include "base/common.h"

struct mdi_bindings {
	const struct modiso_export *exports;
	size_t *slot; /* hash table: 0, or 1 + index of an export */
	size_t mask;
};

/* 0, MODISO_ERR_INVAL (two of one name, by name) or MODISO_ERR_NOMEM. */
int mdi_bindings_init(struct mdi_bindings *bindings,
		      const struct modiso_export *exports, size_t count);
void mdi_bindings_fini(struct mdi_bindings *bindings);

/* What module code calls under this name; false: nobody exports it. */
bool mdi_bindings_find(const struct mdi_bindings *bindings, const char *name,
		       uintptr_t *address);

#endif /* MDI_CODE_IMAGE_BIND_H */
