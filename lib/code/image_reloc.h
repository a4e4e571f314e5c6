/* SPDX-License-Identifier: MIT */
/*
 * code/image_reloc.h - relocations of x86-64, on pages that are not yet the
 * module's.
 */
#ifndef MDI_CODE_IMAGE_RELOC_H
#define MDI_CODE_IMAGE_RELOC_H

#include "code/image_bind.h"
#include "code/image_elf.h"
#include "code/image_scope.h"

/* A word whose value a function inside the module has to find. */
struct mdi_late {
	uint64_t target;    /* as linked */
	uintptr_t resolver; /* at run time; it may be a library's */
	uint64_t addend;
};

struct mdi_reloc {
	const struct mdi_elf *elf;
	const struct mdi_bindings *bindings;
	const struct modiso_image_options *options; /* who hears; or NULL */
	const struct mdi_scope *scope; /* all images of the load, this one */
	unsigned self;                 /* among them; NULL: it is alone */
	char *pages;    /* elf->span bytes: the image, from elf->low on */
	uintptr_t bias; /* an address at run time less the one as linked */
	const struct mdi_segment *segment; /* of the last one, or NULL */
	const struct mdi_segment *watched; /* or NULL */
	bool watched_named; /* out: an address in it was put somewhere */
	struct mdi_late *late; /* malloc()ed */
	size_t late_count, late_room;
};

/*
 * Apply everything but what needs a resolver. 0, or MODISO_ERR_FORMAT,
 * _ACCESS, _NOTSUP, _NOENT or _NOMEM with the sentence; the caller frees
 * reloc->late in any case.
 */
int mdi_relocate(struct mdi_reloc *reloc);

#endif /* MDI_CODE_IMAGE_RELOC_H */
