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

static size_t end_of(const struct mdi_image_part *part)
{
	return part->offset + part->length;
}

/*
 * How many parts, from this one on, have all of these rights or none of them,
 * as @has says, and lie side by side; at most @count.
 */
static unsigned count_alike(const struct mdi_image_part *part, unsigned count,
			    uint32_t access, bool has)
{
	unsigned n = 0;

	while (n < count && !(part[n].access & access) == !has &&
	       (n == 0 || part[n].offset == end_of(&part[n - 1])))
		n++;
	return n;
}

/* Parts of code side by side are one range; the others are passed over. */
static int look(const struct modiso_image *image,
		const struct mdi_image_request *request,
		const struct mdi_elf *elf, const struct mdi_image_part *part,
		unsigned count)
{
	struct mdi_scan_place place;
	size_t length;
	int result;

	for (unsigned i = 0, n; i < count; i += n != 0 ? n : 1) {
		n = count_alike(&part[i], count - i, MODISO_EXEC, true);
		if (n == 0)
			continue;
		length = end_of(&part[i + n - 1]) - part[i].offset;
		result = mdi_executable_scan(image->module,
					     image->pages + part[i].offset,
					     length, &place);
		if (result != 0)
			return refuse(image, request, elf,
				      part[i].offset + place.position, &place);
	}
	return 0;
}

/*
 * Between the look and the end nobody may write. Where threads have rights of
 * their own no module can: the pages are the host's alone. Elsewhere they are
 * any memory of the host's, which GUARD leaves open; and a flat image lies
 * there until the host seals it. What lies beside the code and nobody is to
 * write either is closed with it.
 */
static int close_and_look(const struct modiso_image *image,
			  const struct mdi_image_request *request,
			  const struct mdi_elf *elf,
			  struct mdi_image_part *part, unsigned count)
{
	size_t length = end_of(&part[count - 1]) - part->offset;
	bool lasting = mdi_backend_now->lasting;
	int result = 0;

	if ((!lasting || elf == NULL) &&
	    mdi_mem_protect(image->pages + part->offset, length,
			    MDI_PROT_READ) != 0)
		return mdi_fail_os("mprotect", "the code of image %s",
				   image->name);
	if (lasting && mdi_mem_denies_code())
		for (unsigned i = 0; i < count && result == 0; i++)
			if (part[i].access & MODISO_EXEC)
				result = mdi_image_seal_code(image, &part[i]);
	return result != 0 ? result : look(image, request, elf, part, count);
}

static bool any_code(const struct mdi_image_part *part, unsigned count)
{
	while (count-- > 0)
		if (part[count].access & MODISO_EXEC)
			return true;
	return false;
}

int mdi_image_scan(struct modiso_image *image,
		   const struct mdi_image_request *request,
		   const struct mdi_elf *elf)
{
	int result = 0;

	for (unsigned i = 0, n; i < image->part_count && result == 0;
	     i += n != 0 ? n : 1) {
		struct mdi_image_part *part = &image->part[i];

		n = count_alike(part, image->part_count - i, MODISO_WRITE,
				false);
		if (any_code(part, n))
			result = close_and_look(image, request, elf, part, n);
	}
	return result;
}
