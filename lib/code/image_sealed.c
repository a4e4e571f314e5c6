/* SPDX-License-Identifier: MIT */
/*
 * Code where memory must not become code: MDWE (PR_SET_MDWE, systemd's
 * MemoryDenyWriteExecute=) refuses to make a page executable that was mapped
 * otherwise. A mapping that is so from the beginning it allows. So the bytes
 * go to a file in memory, which is sealed: nobody changes it from then on, the
 * library included. What is looked at is that file, mapped to be read, and what
 * becomes the module's code is that file, mapped to be executed.
 *
 * Only where pages keep their protection: the other backend makes a module's
 * code executable again each time that the module is entered.
 */
#include "code/image.h"

#include "base/error.h"
#include "os/file.h"
#include "os/memory.h"

static int fill(const struct modiso_image *image,
		const struct mdi_image_part *part)
{
	const char *pages = image->pages + part->offset;
	bool any = false;

	if (mdi_file_save(part->file, 0, pages, part->length, &any) != 0)
		return mdi_fail_os("pwrite", "the code of image %s",
				   image->name);
	if (mdi_file_freeze(part->file) != 0)
		return mdi_fail_os("fcntl", "sealing the code of image %s",
				   image->name);
	return 0;
}

int mdi_image_seal_code(const struct modiso_image *image,
			struct mdi_image_part *part)
{
	char *pages = image->pages + part->offset;
	const char *call;
	int result;

	part->file = mdi_file_create("modiso-code", part->length);
	if (part->file < 0)
		return mdi_fail_os("memfd_create", "the code of image %s",
				   image->name);
	result = fill(image, part);
	if (result != 0)
		return result;
	call = mdi_file_map(pages, part->length, part->file, 0, false);
	if (call == NULL &&
	    mdi_mem_protect(pages, part->length, MDI_PROT_READ) != 0)
		call = "mprotect";
	return call == NULL ? 0
			    : mdi_fail_os(call, "the code of image %s",
					  image->name);
}

void mdi_image_seal_done(struct modiso_image *image)
{
	for (unsigned i = 0; i < image->part_count; i++) {
		if (image->part[i].file >= 0)
			mdi_file_close(image->part[i].file);
		image->part[i].file = -1;
	}
}
