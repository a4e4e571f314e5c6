/* SPDX-License-Identifier: MIT */
/*
 * code/image.h - the life of an image: built, sealed, run, unloaded.
 */
#ifndef MDI_CODE_IMAGE_H
#define MDI_CODE_IMAGE_H

#include <modiso/image.h>

#include "code/image_elf.h"
#include "code/image_file.h"
#include "code/image_symbols.h"
#include "core/module.h"

/* Every segment, one of them cut in three by RELRO. */
#define MDI_IMAGE_PARTS (MDI_SEGMENTS_MAX + 2)

/* Whole pages with one protection; they become one region. */
struct mdi_image_part {
	size_t offset, length; /* in the image's pages */
	uint32_t access;
	const char *what;
	int file; /* of code that cannot become so: image_sealed.c; or -1 */
	struct modiso_region *region;
};

/* In the vault. The list of all images is guarded by the library's lock. */
struct modiso_image {
	struct modiso_image *next, **link;
	struct modiso_image *library; /* the next that was loaded with it */
	struct modiso_module *module;
	char name[MODISO_NAME_SIZE];
	char *pages; /* inside the module's address range */
	size_t length; /* bytes from there; not all of them need be parts */
	size_t bare;   /* of them at the beginning: not mapped, and no part */
	uintptr_t bias; /* an address at run time less the one as linked */
	uintptr_t entry;
	uintptr_t unwind; /* its .eh_frame_hdr; 0: none. Anywhere, if it lies */
	char path[256];   /* of its file; "": it has none that is known */
	struct mdi_image_part part[MDI_IMAGE_PARTS];
	unsigned part_count;
	size_t tables, tables_length; /* that are no part: image_tables.c */
	bool built;      /* what it has of pages are regions, or gone */
	bool trimmed;    /* only the parts are left of its pages */
	bool sealed;     /* its symbols may be used */
	bool has_tls;    /* it needs the module's TLS */
	bool finished;   /* its finalisers have run */
	uintptr_t *fini; /* functions at run time, in the order to run them */
	size_t fini_count;
	struct mdi_symbols symbols;
	void *names;                       /* the block that they lie in */
	struct mdi_image_reserve *reserve; /* prepared and not sealed */
	struct mdi_image_debug *debug;     /* what the debugger was told */
};

/* What a load is about, on its way through the files of this layer. */
struct mdi_image_request {
	struct modiso_module *module;
	const struct modiso_image_options *options; /* complete */
	struct mdi_scan_source source; /* its name is that of the image */
};

/* The library's lock is not held in these; they take and give it. */
int mdi_image_load(struct mdi_image_request *request,
		   struct modiso_image **out);
int mdi_image_prepare(struct mdi_image_request *request,
		      const struct modiso_flat *flat,
		      struct modiso_image **out);
int mdi_image_seal(struct modiso_image *image);
int mdi_image_unload(struct modiso_image *image);
int mdi_image_find(const struct modiso_image *image, const char *name,
		   uintptr_t *address);

/* Is there code of this image at this address, at run time? */
bool mdi_image_is_code(const struct modiso_image *image, uintptr_t address);
/* Of this one, or of a library that came with it? */
bool mdi_image_brought_code(const struct modiso_image *image,
			    uintptr_t address);

/*
 * A module ends; the lock is held. Its images are nobody's from then on, and
 * end when the lock is given up: the debugger is told of them.
 */
struct modiso_image *mdi_images_take(const struct modiso_module *module);
void mdi_images_end(struct modiso_image *images);

/* --- between the files of this layer --- */

/*
 * Pages to build in, and an object; complete or nothing. The first @bare bytes
 * are not mapped. @data_last: they end in pages that are to be writable.
 */
int mdi_image_create(struct mdi_image_request *request, size_t length,
		     size_t bare, bool data_last, struct modiso_image **out);
/* An address of one of its parts? */
bool mdi_image_holds(const struct modiso_image *image, uintptr_t address);
void mdi_image_add_part(struct modiso_image *image, size_t offset, size_t end,
			uint32_t access, const char *what);
/* For image->symbols.size bytes, all to be written; 0 or MODISO_ERR_NOMEM. */
int mdi_image_reserve_names(struct modiso_image *image);
/* The list knows the image, and only its parts are left; the lock is held. */
void mdi_image_publish(struct modiso_image *image);
/* Parts become regions; the lock is held. */
int mdi_image_settle(struct modiso_image *image);
/* After a failure: nothing of it stays mapped. Keeps errno and the sentence. */
void mdi_image_discard(struct modiso_image *image);

/* Give back what sealing would have needed: image_flat.c; the lock is held. */
void mdi_image_unprepare(struct modiso_image *image);

/*
 * Executable bytes of a built image that is not yet executable. @elf is NULL
 * for a flat one.
 */
int mdi_image_scan(struct modiso_image *image,
		   const struct mdi_image_request *request,
		   const struct mdi_elf *elf);

/*
 * Code that is closed for writing, where the kernel lets nothing become code:
 * its pages are those of a sealed file from here on. image_sealed.c.
 */
int mdi_image_seal_code(const struct modiso_image *image,
			struct mdi_image_part *part);
/* It is code now, or never will be. */
void mdi_image_seal_done(struct modiso_image *image);

/* Call a function inside the module: image_run.c. */
int mdi_image_call(const struct modiso_image *image, uintptr_t function,
		   uintptr_t *result);

#endif /* MDI_CODE_IMAGE_H */
