/* SPDX-License-Identifier: MIT */
/*
 * core/objects.h - the program and its shared objects: which one an address is
 * in. Asks the dynamic linker, by a function of its that takes no lock; where
 * there is none (before glibc 2.35), nothing is known.
 */
#ifndef MDI_CORE_OBJECTS_H
#define MDI_CORE_OBJECTS_H

#include "base/common.h"

struct mdi_cfi;

struct mdi_object {
	uintptr_t base, end; /* its pages */
	uintptr_t bias; /* an address at run time less the one as linked */
	const char *name; /* "": the program; good while it stays loaded */
	bool own; /* this library's code is in it */
};

bool mdi_object_find(uintptr_t address, struct mdi_object *object);

/* Where it has its call-frame information. */
bool mdi_object_unwind(uintptr_t address, struct mdi_cfi *cfi);

/* Its file, as far as it fits; "": it has none. */
void mdi_object_path(const struct mdi_object *object, char *path, size_t size);

#endif /* MDI_CORE_OBJECTS_H */
