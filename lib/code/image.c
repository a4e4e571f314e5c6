/* SPDX-License-Identifier: MIT */
/* What images have in common, whatever file they come from. */
#include "code/image.h"

#include "base/error.h"
#include "code/image_debug.h"
#include "code/state.h"
#include "core/cfi.h"
#include "core/gate.h"
#include "core/region.h"
#include "core/report.h"
#include "core/runtime.h"
#include "core/state.h"
#include "core/thread.h"
#include "core/tls.h"
#include "core/vault.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct mdi_code_state *const own = &mdi_code_state;

static bool describe(uintptr_t address, struct mdi_report_place *place);
static bool find_unwind(uintptr_t pc, struct mdi_cfi *cfi);

/* Short, and fit for a report. */
static void copy_name(char *to, const char *from)
{
	for (size_t i = 0; i < MODISO_NAME_SIZE - 1 && from[i] != '\0'; i++)
		to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
}

/* Its pages are the host's no more; the lock is held. */
static void end_building(struct modiso_image *image)
{
	if (!image->built)
		mdi_region_stage_end(image->module);
	image->built = true;
}

int mdi_image_create(struct mdi_image_request *request, size_t length,
		     size_t bare, bool data_last, struct modiso_image **out)
{
	struct modiso_image *image;
	int result;

	mdi_runtime_lock();
	mdi_core_state.report.image = describe;
	mdi_core_state.report.unwind = find_unwind;
	image = mdi_vault_alloc(sizeof(*image));
	if (image == NULL) {
		result = mdi_fail_memory("image %s", request->source.name);
	} else {
		mdi_region_stage_begin(request->module);
		result = mdi_region_stage(request->module, length, bare,
					  data_last, &image->pages);
		if (result != 0) {
			mdi_region_stage_end(request->module);
			mdi_vault_free(image, sizeof(*image));
		}
	}
	mdi_runtime_unlock();
	if (result != 0)
		return result;
	image->module = request->module;
	image->length = length;
	image->bare = bare;
	copy_name(image->name, request->source.name);
	*out = image;
	return 0;
}

/* The lock is held. */
static void free_object(struct modiso_image *image)
{
	end_building(image);
	mdi_image_debug_free(image);
	mdi_image_unprepare(image);
	mdi_image_seal_done(image);
	mdi_vault_free(image->fini, image->fini_count * sizeof(*image->fini));
	mdi_vault_free(image->names, image->symbols.size);
	mdi_vault_free(image, sizeof(*image));
}

int mdi_image_reserve_names(struct modiso_image *image)
{
	mdi_runtime_lock();
	image->names = mdi_vault_alloc_raw(image->symbols.size);
	mdi_runtime_unlock();
	if (image->names == NULL)
		return mdi_fail_memory("%zu bytes of names of %s",
				       image->symbols.size, image->name);
	return 0;
}

void mdi_image_add_part(struct modiso_image *image, size_t offset, size_t end,
			uint32_t access, const char *what)
{
	if (offset == end)
		return;
	image->part[image->part_count++] = (struct mdi_image_part){
		.offset = offset,
		.length = end - offset,
		.access = access,
		.what = what,
		.file = -1,
	};
}

static const struct mdi_image_part *part_at(const struct modiso_image *image,
					    uintptr_t address)
{
	size_t offset = address - (uintptr_t)image->pages;

	for (unsigned i = 0; i < image->part_count; i++)
		if (offset >= image->part[i].offset &&
		    offset - image->part[i].offset < image->part[i].length)
			return &image->part[i];
	return NULL;
}

bool mdi_image_holds(const struct modiso_image *image, uintptr_t address)
{
	return part_at(image, address) != NULL;
}

bool mdi_image_is_code(const struct modiso_image *image, uintptr_t address)
{
	const struct mdi_image_part *part = part_at(image, address);

	return part != NULL && part->access & MODISO_EXEC;
}

bool mdi_image_brought_code(const struct modiso_image *image,
			    uintptr_t address)
{
	while (image != NULL && !mdi_image_is_code(image, address))
		image = image->library;
	return image != NULL;
}

/* --- regions --- */

static void withdraw(struct modiso_image *image)
{
	if (image->link == NULL)
		return;
	*image->link = image->next;
	if (image->next != NULL)
		image->next->link = image->link;
	image->link = NULL;
}

/* Those from @at on that do not become a part; the lock is held. */
static void give_back(struct modiso_image *image, size_t at, size_t end)
{
	size_t bare = image->bare > at ? image->bare - at : 0;

	mdi_region_unstage(image->module, image->pages + at, end - at, bare);
}

/* Pages between the parts, and behind the last one; the lock is held. */
static void trim(struct modiso_image *image)
{
	size_t at = 0;

	if (image->trimmed)
		return;
	image->trimmed = true;
	for (unsigned i = 0; i <= image->part_count; i++) {
		size_t next = i < image->part_count ? image->part[i].offset
						    : image->length;

		if (next > at)
			give_back(image, at, next);
		if (i < image->part_count)
			at = next + image->part[i].length;
	}
}

int mdi_image_settle(struct modiso_image *image)
{
	struct mdi_region_part part[MDI_IMAGE_PARTS];
	int result;

	trim(image);
	for (unsigned i = 0; i < image->part_count; i++) {
		part[i] = (struct mdi_region_part){
			.base = image->pages + image->part[i].offset,
			.length = image->part[i].length,
			.access = image->part[i].access,
			.file = image->part[i].file,
		};
		snprintf(part[i].name, sizeof(part[i].name), "%.23s %s",
			 image->name, image->part[i].what);
	}
	result = mdi_region_settle(image->module, part, image->part_count);
	for (unsigned i = 0; i < image->part_count; i++)
		image->part[i].region = part[i].region;
	mdi_image_seal_done(image);
	if (result == 0)
		end_building(image);
	return result;
}

void mdi_image_publish(struct modiso_image *image)
{
	image->next = own->images;
	image->link = &own->images;
	if (own->images != NULL)
		own->images->link = &image->next;
	own->images = image;
	trim(image);
}

/* The lock is held. What is a region may refuse to go; what is none may not. */
static int drop(struct modiso_image *image)
{
	int result;

	mdi_image_seal_done(image);
	if (!image->trimmed) {
		give_back(image, 0, image->length);
		return 0;
	}
	for (; image->part_count != 0; image->part_count--) {
		struct mdi_image_part *part =
			&image->part[image->part_count - 1];

		if (part->region == NULL) {
			give_back(image, part->offset,
				  part->offset + part->length);
			continue;
		}
		result = mdi_region_destroy(part->region);
		if (result != 0)
			return result;
	}
	return 0;
}

/* Nothing of it is mapped any more, in a module that goes on. */
static void forget(struct modiso_image *image)
{
	if (image->has_tls)
		mdi_tls_unshare(image->module);
	withdraw(image);
	free_object(image);
}

void mdi_image_discard(struct modiso_image *image)
{
	char text[384];
	int saved = errno;

	snprintf(text, sizeof(text), "%s", modiso_last_error_text());
	mdi_image_debug_remove(image);
	mdi_runtime_lock();
	/* What the kernel would not close stays the module's, on the list. */
	if (drop(image) == 0)
		forget(image);
	mdi_runtime_unlock();
	mdi_fail(0, "%s", text);
	errno = saved;
}

/* --- unload --- */

/* The lock is held. */
static int check_idle(const struct modiso_image *image)
{
	const struct modiso_gate *gate;

	if (mdi_threads_inside(&image->module->domain))
		return mdi_fail(MODISO_ERR_BUSY,
				"a thread is inside module %s, to which image "
				"%s belongs",
				image->module->name, image->name);
	/* All of them load what it has made. */
	if (image->has_tls && image->module->tls->users == 1 &&
	    image->module->gates != NULL)
		return mdi_fail(MODISO_ERR_BUSY,
				"a gate into module %s exists, whose "
				"thread-local storage goes with image %s",
				image->module->name, image->name);
	for (; image != NULL; image = image->library)
		for (gate = image->module->gates; gate != NULL;
		     gate = gate->next)
			if (mdi_image_holds(image, (uintptr_t)gate->own.entry))
				return mdi_fail(
					MODISO_ERR_BUSY,
					"a gate to %p in image %s exists",
					(void *)(uintptr_t)gate->own.entry,
					image->name);
	return 0;
}

static int finish(struct modiso_image *image)
{
	int result = 0, code;

	for (size_t i = 0; i < image->fini_count; i++) {
		if (image->fini[i] == 0)
			break;
		code = mdi_image_call(image, image->fini[i], NULL);
		if (result == 0)
			result = code;
	}
	return result;
}

/* With what came with it; the lock is held. */
static int drop_all(struct modiso_image *image)
{
	struct modiso_image *library;
	int result;

	while ((library = image->library) != NULL) {
		result = drop(library);
		if (result != 0)
			return result;
		image->library = library->library;
		forget(library);
	}
	result = drop(image);
	if (result == 0)
		forget(image);
	return result;
}

int mdi_image_unload(struct modiso_image *image)
{
	struct modiso_image *each;
	int finished = 0, result;
	bool run;

	mdi_runtime_lock();
	result = check_idle(image);
	run = !image->finished && image->sealed;
	if (result == 0)
		image->finished = true;
	mdi_runtime_unlock();
	if (result != 0)
		return result;
	if (run)
		finished = finish(image);
	for (each = image; each != NULL; each = each->library)
		mdi_image_debug_remove(each);
	mdi_runtime_lock();
	result = check_idle(image);
	if (result == 0) {
		image->sealed = false;
		result = drop_all(image);
	}
	mdi_runtime_unlock();
	return result != 0 ? result : finished;
}

struct modiso_image *mdi_images_take(const struct modiso_module *module)
{
	struct modiso_image *image, *next, *taken = NULL;

	for (image = own->images; image != NULL; image = next) {
		next = image->next;
		if (image->module != module)
			continue;
		mdi_image_debug_unlist(image);
		withdraw(image);
		image->next = taken;
		taken = image;
	}
	return taken;
}

void mdi_images_end(struct modiso_image *images)
{
	struct modiso_image *next;

	for (; images != NULL; images = next) {
		next = images->next;
		mdi_image_debug_tell(images);
		mdi_runtime_lock();
		free_object(images);
		mdi_runtime_unlock();
	}
}

/* --- names --- */

int mdi_image_find(const struct modiso_image *image, const char *name,
		   uintptr_t *address)
{
	const struct modiso_image *each;
	const struct mdi_symbol *symbol = NULL;

	if (!image->sealed)
		return mdi_fail(MODISO_ERR_STATE,
				"image %s is prepared and not sealed",
				image->name);
	if (name == NULL) {
		if (image->entry == 0)
			return mdi_fail(MODISO_ERR_NOENT,
					"image %s has no entry point",
					image->name);
		*address = image->entry;
		return 0;
	}
	for (each = image; each != NULL; each = each->library) {
		symbol = mdi_symbols_find(&each->symbols, name);
		if (symbol != NULL)
			break;
	}
	if (symbol == NULL)
		return mdi_fail(MODISO_ERR_NOENT, "image %s exports no %s",
				image->name, name);
	*address = each->bias + symbol->vaddr;
	if (symbol->resolver)
		return mdi_image_call(image, *address, address);
	return 0;
}

/* For reports: the image and the function that an address is in. */
static bool describe(uintptr_t address, struct mdi_report_place *place)
{
	const struct mdi_symbol *symbol;
	struct modiso_image *image;
	bool found = false;

	mdi_runtime_lock();
	for (image = own->images; image != NULL && !found;
	     image = image->next) {
		place->left_out = address - (uintptr_t)image->pages -
					  image->tables <
				  image->tables_length;
		if (!mdi_image_holds(image, address) && !place->left_out)
			continue;
		found = true;
		snprintf(place->file, sizeof(place->file), "%s", image->name);
		snprintf(place->path, sizeof(place->path), "%s", image->path);
		place->bias = image->bias;
		place->file_offset = address - image->bias;
		symbol = mdi_symbols_at(&image->symbols, place->file_offset);
		if (symbol == NULL)
			continue;
		mdi_symbols_print(&image->symbols, symbol, place->function,
				  sizeof(place->function));
		place->function_offset = place->file_offset - symbol->vaddr;
	}
	mdi_runtime_unlock();
	return found;
}

/* For the walk up a module's stack: nothing but the image's pages is read. */
static bool find_unwind(uintptr_t pc, struct mdi_cfi *cfi)
{
	struct modiso_image *image;

	for (image = own->images; image != NULL; image = image->next)
		if (mdi_image_holds(image, pc))
			break;
	if (image != NULL)
		*cfi = (struct mdi_cfi){
			.base = (uintptr_t)image->pages,
			.end = (uintptr_t)image->pages + image->length,
			.header = image->unwind,
		};
	return image != NULL;
}
