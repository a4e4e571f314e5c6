/* SPDX-License-Identifier: MIT */
/* Every executable byte of an image, before it can be executed. */
#include "code/image.h"

#include "base/error.h"
#include "code/scan.h"

#include <modiso/region.h>

#include <inttypes.h>

/*
 * GUARD stops mistakes, and nobody writes PKRU by mistake. The other levels
 * are for code that looks for a way out: nothing that could help it.
 */
static uint32_t forbidden(const struct modiso_module *module)
{
	return module->domain.confinement == MODISO_CONFINE_GUARD
		       ? MODISO_SCAN_PKRU
		       : MODISO_SCAN_ALL;
}

static int refuse(const struct modiso_image *image, size_t offset,
		  const struct mdi_scan_place *place)
{
	uint64_t vaddr = (uintptr_t)image->pages + offset - image->bias;
	const struct mdi_symbol *symbol =
		mdi_symbols_at(&image->symbols, vaddr);
	char text[128];

	mdi_scan_describe(place, text, sizeof(text));
	if (symbol == NULL)
		return mdi_fail(MODISO_ERR_GADGET,
				"image %s: forbidden instruction at %#" PRIx64
				": %s",
				image->name, vaddr, text);
	return mdi_fail(MODISO_ERR_GADGET,
			"image %s: forbidden instruction at %#" PRIx64
			", %s + %#" PRIx64 ": %s",
			image->name, vaddr,
			image->symbols.strings + symbol->name,
			vaddr - symbol->vaddr, text);
}

int mdi_image_scan(const struct modiso_image *image)
{
	uint32_t kinds = forbidden(image->module);
	struct mdi_scan_place place;
	size_t from = 0, to = 0;

	/* Parts of code side by side are one range. */
	for (unsigned i = 0; i <= image->part_count; i++) {
		const struct mdi_image_part *part = &image->part[i];
		bool code = i < image->part_count && part->access & MODISO_EXEC;
		struct mdi_scan_piece piece = {image->pages + from, to - from};

		if (code && part->offset == to) {
			to += part->length;
			continue;
		}
		if (to > from && mdi_scan_pieces(&piece, 1, kinds, &place) != 0)
			return refuse(image, from + place.position, &place);
		if (!code)
			continue;
		from = part->offset;
		to = from + part->length;
	}
	return 0;
}
