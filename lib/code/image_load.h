/* SPDX-License-Identifier: MIT */
/*
 * code/image_load.h - ELF images on their way into a module: the one that was
 * asked for, and the libraries that come with it.
 */
#ifndef MDI_CODE_IMAGE_LOAD_H
#define MDI_CODE_IMAGE_LOAD_H

#include "code/image.h"
#include "code/image_reloc.h"

struct mdi_load {
	struct mdi_image_request *request;
	struct mdi_reloc reloc;
	const struct mdi_segment *left_out; /* of the module; or NULL */
	struct modiso_image *image;         /* NULL: none was made */
	uintptr_t *init; /* malloc()ed, in the order to run them */
	size_t init_count;
	unsigned char *aside; /* malloc()ed: elf.aside, or NULL */
	struct mdi_elf elf;   /* last: large, and not zeroed */
};

/* All images of one load. */
struct mdi_group {
	struct mdi_load *load[MDI_SCOPE_MAX]; /* first the one asked for */
	unsigned count;
	uint8_t order[MDI_SCOPE_MAX]; /* of these, who is started first */
	struct mdi_bindings bindings;
	struct mdi_scope scope; /* with more than one image alone */
	struct mdi_needed *needed; /* libraries that were named; or NULL */
};

/*
 * Everything about a zeroed load, up to its elf, that is not about others: an
 * image whose pages are as the file has them. 0 or a code; the image may be
 * there in both cases.
 */
int mdi_load_read(struct mdi_load *load);
/*
 * All that does not run code of image @self: it is known what all of the group
 * are and where they lie, and none is the module's yet.
 */
int mdi_load_build(struct mdi_group *group, unsigned self);

/*
 * What the image names, and what these name, is read as well, and all of them
 * are put in order: image_needed.c. 0; MODISO_ERR_NOENT: some are not there, or
 * do not have a version; MODISO_ERR_FORMAT, _ACCESS, _NOTSUP, _LIMIT, _INVAL,
 * _NOMEM or _OS.
 */
int mdi_needed_read(struct mdi_group *group);
/* All loads but the first, without their images. */
void mdi_needed_free(struct mdi_group *group);

/*
 * The module's threads have a TLS block of the images' making, if one needs it:
 * image_block.c. 0 or the codes of mdi_tls_begin(); the lock is held.
 */
int mdi_image_tls_begin(const struct mdi_group *group);

#endif /* MDI_CODE_IMAGE_LOAD_H */
