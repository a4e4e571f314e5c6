/* SPDX-License-Identifier: MIT */
/*
 * os/objects.h - the program and its shared objects: which one an address is
 * in. Asks the dynamic linker, by a function of its that takes no lock; where
 * there is none (before glibc 2.35), nothing is known.
 */
#ifndef MDI_OS_OBJECTS_H
#define MDI_OS_OBJECTS_H

#include "base/common.h"

struct mdi_object {
	uintptr_t base, end; /* its pages */
	uintptr_t bias; /* an address at run time less the one as linked */
	const char *name; /* "": the program; good while it stays loaded */
	bool own; /* this library's code is in it */
	uintptr_t unwind; /* its .eh_frame_hdr; 0: none */
};

bool mdi_object_find(uintptr_t address, struct mdi_object *object);

/* The C library, or what loads and binds objects, by its name. AS-Safe. */
bool mdi_object_is_libc(const struct mdi_object *object);

/* Does the program begin near this address? */
bool mdi_object_begins(uintptr_t address);

/* Its file, as far as it fits; "": it has none. */
void mdi_object_path(const struct mdi_object *object, char *path, size_t size);

#endif /* MDI_OS_OBJECTS_H */
