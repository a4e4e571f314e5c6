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

/* Has any of them an .eh_frame_hdr? Else nobody looks for one at each fault. */
bool mdi_objects_unwind(void);

/* The C library, or what loads and binds objects, by its name. AS-Safe. */
bool mdi_object_is_libc(const struct mdi_object *object);

/* Does the program begin near this address? */
bool mdi_object_begins(uintptr_t address);

/*
 * The function or variable at an address, as far as its name fits, where it
 * begins, and its length; 0: that is not known. False: none is known.
 */
bool mdi_object_function(uintptr_t address, char *name, size_t size,
			 uintptr_t *begin, size_t *length);

/* Its file, as far as it fits; "": it has none. */
void mdi_object_path(const struct mdi_object *object, char *path, size_t size);

/*
 * The writable data of the program and of its objects, by whole pages: @each is
 * told of the pages of one, and of those among them that must stay as they are,
 * with @hole set: what the dynamic linker has made read-only, and the table
 * that this library's own calls go by. The data of an object that is this
 * library alone is left out, and that of the C library, which starts threads
 * with all signals blocked. Takes the dynamic linker's lock.
 */
void mdi_objects_data(void (*each)(void *arg, uintptr_t base, uintptr_t end,
				   bool hole),
		      void *arg);

/* Why their data cannot be closed in this program; NULL: it can. */
const char *mdi_objects_stay_open(void);

/*
 * A weak name more of an object, where the system's object files have such. By
 * the assembler: to AddressSanitizer an alias is a variable of its own, which
 * ends earlier.
 */
#ifdef __ELF__
#define MDI_ALSO_NAMED(name, object, size)                     \
	__asm__(".weak " name "\n\t"                           \
		".type " name ", @object\n\t"                  \
		".size " name ", " size "\n\t"                 \
		".set " name ", " object)
#else
#define MDI_ALSO_NAMED(name, object, size) _Static_assert(1, name)
#endif

#endif /* MDI_OS_OBJECTS_H */
