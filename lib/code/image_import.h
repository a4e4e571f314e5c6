/* SPDX-License-Identifier: MIT */
/*
 * code/image_import.h - whose symbol it is that a relocation names: the
 * image's own, a service of the host's, another image's of the same load, or
 * nobody's.
 */
#ifndef MDI_CODE_IMAGE_IMPORT_H
#define MDI_CODE_IMAGE_IMPORT_H

#include "code/image_reloc.h"

/* All of it zero: a weak symbol that nobody has. */
struct mdi_import {
	uintptr_t function; /* outside of all images; or 0, and then */
	const struct mdi_elf *elf; /* the image, or NULL, */
	uintptr_t bias;            /* where it lies */
	Elf64_Sym symbol;          /* and its symbol */
};

/*
 * Symbol @index, which is there, for a use of that kind; MDI_KIND_ANY: as the
 * symbol says. 0, or MODISO_ERR_NOENT with all that nobody has.
 */
int mdi_import_find(const struct mdi_reloc *reloc, uint64_t index,
		    const Elf64_Sym *symbol, enum mdi_kind kind,
		    struct mdi_import *import);

#endif /* MDI_CODE_IMAGE_IMPORT_H */
