/* SPDX-License-Identifier: MIT */
/* Every executable byte of an image, before it can be executed. */
#include "code/image.h"

#include "base/error.h"
#include "code/executable.h"
#include "code/scan_names.h"
#include "os/memory.h"

#include <modiso/region.h>

#include <inttypes.h>
#include <stdio.h>

/* Where a byte of the image lies in its file; 0: nowhere. */
static uint64_t file_offset(const struct mdi_elf *elf, uint64_t vaddr)
{
	const struct mdi_segment *segment = mdi_elf_segment(elf, vaddr, 1);

	if (segment == NULL || vaddr - segment->vaddr >= segment->file_size)
		return 0;
	return segment->file_offset + (vaddr - segment->vaddr);
}

/* ", .text, function + 0x1", as far as the file says it. */
static void name_place(const struct mdi_image_request *request,
		       const struct mdi_elf *elf, uint64_t vaddr, char *text,
		       size_t size)
{
	struct mdi_scan_names names = {0};
	struct mdi_scan_name name;
	int used;

	name = mdi_scan_names_find(&names, &request->source, &elf->header,
				   vaddr);
	used = snprintf(text, size, ", %s",
			name.section != NULL ? name.section : "in no section");
	if (name.symbol != NULL && used > 0 && (size_t)used < size)
		snprintf(text + used, size - (size_t)used, ", %s + %#" PRIx64,
			 name.symbol, name.symbol_offset);
	mdi_scan_names_fini(&names);
}

static int refuse_flat(const struct modiso_image *image, size_t offset,
		       const char *what)
{
	struct mdi_symbols symbols = image->symbols;
	const struct mdi_symbol *symbol = mdi_symbols_at(&symbols, offset);
	char name[128];

	if (symbol == NULL)
		return mdi_fail(MODISO_ERR_GADGET,
				"image %s: forbidden instruction at %#zx of "
				"its code: %s",
				image->name, offset, what);
	mdi_symbols_print(&symbols, symbol, name, sizeof(name));
	return mdi_fail(MODISO_ERR_GADGET,
			"image %s: forbidden instruction at %#zx of its code, "
			"%s + %#zx: %s",
			image->name, offset, name,
			offset - (size_t)symbol->vaddr, what);
}

static int refuse(const struct modiso_image *image,
		  const struct mdi_image_request *request,
		  const struct mdi_elf *elf, size_t offset,
		  const struct mdi_scan_place *place)
{
	uint64_t vaddr = (uintptr_t)image->pages + offset - image->bias;
	char what[MDI_SCAN_DESCRIBED], where[320];

	mdi_scan_describe(place, what, sizeof(what));
	if (elf == NULL)
		return refuse_flat(image, offset, what);
	name_place(request, elf, vaddr, where, sizeof(where));
	return mdi_fail(MODISO_ERR_GADGET,
			"image %s: forbidden instruction at offset %#" PRIx64
			", address %#" PRIx64 "%s: %s",
			image->name, file_offset(elf, vaddr), vaddr, where,
			what);
}

/*
 * Its pages are any memory of the host's until they are the module's, and GUARD
 * leaves that open: nobody may write between the look and the end.
 */
static int look(const struct modiso_image *image, size_t from, size_t to,
		struct mdi_scan_place *place)
{
	if (mdi_mem_protect(image->pages + from, to - from, MDI_PROT_READ) != 0)
		return mdi_fail_os("mprotect", "the code of image %s",
				   image->name);
	return mdi_executable_scan(image->module, image->pages + from,
				   to - from, place);
}

int mdi_image_scan(const struct modiso_image *image,
		   const struct mdi_image_request *request,
		   const struct mdi_elf *elf)
{
	struct mdi_scan_place place;
	size_t from = 0, to = 0;
	int result;

	/* Parts of code side by side are one range. */
	for (unsigned i = 0; i <= image->part_count; i++) {
		const struct mdi_image_part *part = &image->part[i];
		bool code = i < image->part_count && part->access & MODISO_EXEC;

		if (code && part->offset == to) {
			to += part->length;
			continue;
		}
		result = to > from ? look(image, from, to, &place) : 0;
		if (result == MODISO_ERR_GADGET)
			return refuse(image, request, elf,
				      from + place.position, &place);
		if (result != 0)
			return result;
		from = code ? part->offset : 0;
		to = code ? from + part->length : 0;
	}
	return 0;
}
