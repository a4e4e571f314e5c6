/* SPDX-License-Identifier: MIT */
/*
 * Flat images: everything that can be refused is refused when one is prepared.
 * Sealing takes no memory that is not there already: the kernel's mappings are
 * cut where they have to be, and the vault holds what the regions will need.
 */
#include "code/image.h"

#include "base/error.h"
#include "code/image_debug.h"
#include "core/region.h"
#include "core/runtime.h"
#include "core/vault.h"
#include "os/memory.h"

#include <string.h>

#define TRAP       0xcc /* int3 */
#define SIZE_LIMIT ((size_t)1 << 40)

struct layout {
	const struct modiso_flat *flat;
	const struct mdi_scan_source *source;
	size_t code_pages, data_at, data_size, data_pages;
};

static bool in_blob(const struct layout *layout, size_t offset, size_t size)
{
	size_t length = (size_t)layout->source->size;

	return offset <= length && size <= length - offset;
}

static int check_blob(const struct layout *layout)
{
	const struct modiso_flat *flat = layout->flat;
	size_t code = flat->code_offset, data = flat->data_offset;

	if (flat->code_size == 0 || !in_blob(layout, code, flat->code_size))
		return mdi_fail(MODISO_ERR_INVAL,
				"flat: %zu bytes of code at %zu of a blob of "
				"%zu",
				flat->code_size, code,
				(size_t)layout->source->size);
	if (!in_blob(layout, data, flat->data_size))
		return mdi_fail(MODISO_ERR_INVAL,
				"flat: %zu bytes of data at %zu of a blob of "
				"%zu",
				flat->data_size, data,
				(size_t)layout->source->size);
	if (flat->data_size != 0 && code < data + flat->data_size &&
	    data < code + flat->code_size)
		return mdi_fail(MODISO_ERR_INVAL,
				"flat: code at %zu and data at %zu overlap",
				code, data);
	return 0;
}

static int lay_out(struct layout *layout)
{
	const struct modiso_flat *flat = layout->flat;
	int result = check_blob(layout);

	if (result != 0)
		return result;
	if (flat->bss_size > SIZE_LIMIT || flat->data_distance > SIZE_LIMIT)
		return mdi_fail(MODISO_ERR_INVAL,
				"flat: %zu bytes of bss, data %zu behind the "
				"code: both must be below 1 TiB",
				flat->bss_size, flat->data_distance);
	layout->data_size = flat->data_size + flat->bss_size;
	if (!mdi_page_round(flat->code_size, &layout->code_pages) ||
	    !mdi_page_round(layout->data_size, &layout->data_pages))
		return mdi_fail(MODISO_ERR_INVAL, "flat: a size wraps");
	layout->data_at = flat->data_distance != 0 ? flat->data_distance
						   : layout->code_pages;
	if (!mdi_page_aligned(layout->data_at) ||
	    layout->data_at < layout->code_pages)
		return mdi_fail(MODISO_ERR_INVAL,
				"flat: data %zu behind %zu bytes of code: not "
				"whole pages, or not behind it",
				layout->data_at, flat->code_size);
	return 0;
}

/* --- names --- */

static int check_symbols(const struct layout *layout, size_t *bytes)
{
	const struct modiso_flat *flat = layout->flat;

	*bytes = 1;
	if (flat->symbols == NULL && flat->symbol_count != 0)
		return mdi_fail(MODISO_ERR_INVAL,
				"flat.symbols is NULL and symbol_count %zu",
				flat->symbol_count);
	for (size_t i = 0; i < flat->symbol_count; i++) {
		const struct modiso_flat_symbol *symbol = &flat->symbols[i];

		if (symbol->name == NULL || *symbol->name == '\0')
			return mdi_fail(MODISO_ERR_INVAL,
					"flat.symbols[%zu] has no name", i);
		if (symbol->offset >= flat->code_size &&
		    symbol->offset - layout->data_at >= layout->data_size)
			return mdi_fail(MODISO_ERR_INVAL,
					"flat: symbol %s at %zu is neither in "
					"code nor in data",
					symbol->name, symbol->offset);
		*bytes += strlen(symbol->name) + 1;
	}
	return *bytes <= UINT32_MAX
		       ? 0
		       : mdi_fail(MODISO_ERR_INVAL,
				  "flat: more than 4 GiB of names");
}

static int name_symbols(struct modiso_image *image, const struct layout *layout)
{
	const struct modiso_flat *flat = layout->flat;
	struct mdi_symbols *symbols = &image->symbols;
	size_t count = flat->symbol_count, used = 1, bytes;
	const char *twice;
	int result;

	result = check_symbols(layout, &bytes);
	if (result != 0)
		return result;
	symbols->size = 2 * count * sizeof(*symbols->exports) + bytes;
	result = mdi_image_reserve_names(image);
	if (result != 0)
		return result;
	symbols->functions = image->names;
	symbols->exports = symbols->functions + count;
	symbols->strings = (char *)(symbols->exports + count);
	symbols->strings[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		struct mdi_symbol symbol = {
			.vaddr = flat->symbols[i].offset,
			.name = (uint32_t)used,
		};

		used += strlen(flat->symbols[i].name) + 1;
		strcpy(symbols->strings + symbol.name, flat->symbols[i].name);
		symbols->exports[symbols->export_count++] = symbol;
		if (symbol.vaddr < flat->code_size)
			symbols->functions[symbols->function_count++] = symbol;
	}
	mdi_symbols_sort(symbols);
	twice = mdi_symbols_duplicate(symbols);
	return twice == NULL ? 0
			     : mdi_fail(MODISO_ERR_INVAL,
					"flat: symbol %s stands twice", twice);
}

/* --- prepare --- */

static void fill(struct modiso_image *image, const struct layout *layout)
{
	const struct modiso_flat *flat = layout->flat;
	const unsigned char *blob = layout->source->image;

	memcpy(image->pages, blob + flat->code_offset, flat->code_size);
	memset(image->pages + flat->code_size, TRAP,
	       layout->code_pages - flat->code_size);
	memcpy(image->pages + layout->data_at, blob + flat->data_offset,
	       flat->data_size);
	mdi_image_add_part(image, 0, layout->code_pages,
			   MODISO_READ | MODISO_EXEC, "code");
	mdi_image_add_part(image, layout->data_at,
			   layout->data_at + layout->data_pages,
			   MODISO_READ | MODISO_WRITE, "data");
	image->bias = (uintptr_t)image->pages;
}

/* Unlike the code, so that the two are mappings of their own from here on. */
static int cut(const struct modiso_image *image)
{
	const struct mdi_image_part *data = &image->part[1];

	if (image->part_count == 2 &&
	    mdi_mem_protect(image->pages + data->offset, data->length,
			    MDI_PROT_NONE) != 0)
		return mdi_fail_os("mprotect", "image %s", image->name);
	return 0;
}

/*
 * Objects of the sizes that regions and lists of pages will need. The vault
 * keeps freed objects by their size: giving these back just before sealing is
 * enough. Lists can grow meanwhile; four powers of two are in store.
 */
struct mdi_image_reserve {
	void *region[2];
	void *list[4][2];
	size_t size[4];
};

static void release_reserve(struct modiso_image *image)
{
	struct mdi_image_reserve *reserve = image->reserve;

	if (reserve == NULL)
		return;
	for (int n = 0; n < 2; n++) {
		mdi_vault_free(reserve->region[n],
			       sizeof(struct modiso_region));
		for (int i = 0; i < 4; i++)
			mdi_vault_free(reserve->list[i][n], reserve->size[i]);
	}
	mdi_vault_free(reserve, sizeof(*reserve));
	image->reserve = NULL;
}

static int take_reserve(struct modiso_image *image)
{
	struct mdi_image_reserve *reserve = mdi_vault_alloc(sizeof(*reserve));
	size_t lists = image->module->domain.runs.count + 2;
	bool complete = reserve != NULL;

	image->reserve = reserve;
	for (int n = 0; complete && n < 2; n++) {
		reserve->region[n] =
			mdi_vault_alloc(sizeof(struct modiso_region));
		complete = reserve->region[n] != NULL;
		for (int i = 0; complete && i < 4; i++) {
			reserve->size[i] = lists * sizeof(struct mdi_run) << i;
			reserve->list[i][n] = mdi_vault_alloc(reserve->size[i]);
			complete = reserve->list[i][n] != NULL;
		}
	}
	if (complete)
		return 0;
	release_reserve(image);
	return mdi_fail_memory("the regions of image %s", image->name);
}

static int prepare(struct modiso_image *image, const struct layout *layout,
		   const struct mdi_image_request *request)
{
	int result;

	fill(image, layout);
	result = name_symbols(image, layout);
	if (result == 0)
		result = mdi_image_scan(image, request, NULL);
	if (result == 0)
		result = cut(image);
	if (result != 0)
		return result;
	mdi_runtime_lock();
	mdi_image_publish(image);
	result = take_reserve(image);
	mdi_runtime_unlock();
	return result;
}

int mdi_image_prepare(struct mdi_image_request *request,
		      const struct modiso_flat *flat, struct modiso_image **out)
{
	struct layout layout = {.flat = flat, .source = &request->source};
	struct mdi_image_request debug = *request;
	struct modiso_image *image;
	int result;

	debug.source.image = flat->debug_file;
	debug.source.size = flat->debug_size;
	result = lay_out(&layout);
	if (result == 0)
		result = mdi_image_create(
			request, layout.data_at + layout.data_pages, 0,
			layout.data_pages != 0, &image);
	if (result != 0)
		return result;
	result = prepare(image, &layout, request);
	if (result == 0)
		result = mdi_image_debug_add(image, &debug);
	if (result != 0) {
		mdi_image_discard(image);
		return result;
	}
	*out = image;
	return 0;
}

int mdi_image_seal(struct modiso_image *image)
{
	int result;

	mdi_runtime_lock();
	if (image->reserve == NULL) {
		result = mdi_fail(MODISO_ERR_STATE, "image %s is %s",
				  image->name,
				  image->sealed ? "sealed already"
						: "half sealed: unload it");
	} else {
		release_reserve(image);
		result = mdi_image_settle(image);
		image->sealed = result == 0;
	}
	mdi_runtime_unlock();
	return result;
}

void mdi_image_unprepare(struct modiso_image *image)
{
	release_reserve(image);
}
