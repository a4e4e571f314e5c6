/* SPDX-License-Identifier: MIT */
/* The exported functions of modiso/image.h. */
#include <modiso.h>

#include "base/error.h"
#include "base/options.h"
#include "code/image.h"
#include "core/front.h"
#include "core/runtime.h"
#include "core/sizes.h"

#include <string.h>

#define IMAGE_FLAGS                                                            \
	(MODISO_IMAGE_IGNORE_NEEDED | MODISO_IMAGE_DEBUGGER |                  \
	 MODISO_IMAGE_PERF | MODISO_IMAGE_HEADERS)
/* What all ways to load one have in common. */
static int check_request(struct mdi_image_request *request,
			 struct modiso_module *module,
			 const struct modiso_image_options *options,
			 struct modiso_image_options *known,
			 struct modiso_image **out)
{
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (module == NULL || out == NULL)
		return mdi_null_argument(out == NULL ? "out" : "module");
	memset(request, 0, sizeof(*request));
	request->module = module;
	request->source.name = "image";
	memset(known, 0, sizeof(*known));
	known->struct_size = sizeof(*known);
	result = mdi_options_take(options, MDI_SIZE_IMAGE_OPTIONS, known,
				  sizeof(*known), "options");
	if (result == 0)
		result = mdi_options_flags(known->flags, IMAGE_FLAGS,
					   "options.flags");
	if (result == 0)
		result = mdi_front_now->retake();
	if (result != 0)
		return result;
	if (known->needed_dirs == NULL && known->needed_dir_count != 0)
		return mdi_fail(MODISO_ERR_INVAL,
				"options.needed_dirs is NULL and "
				"needed_dir_count %zu",
				known->needed_dir_count);
	if (known->name != NULL)
		request->source.name = known->name;
	request->options = known;
	return 0;
}

int modiso_image_load(struct modiso_module *module, const char *path,
		      const struct modiso_image_options *options,
		      struct modiso_image **out)
{
	struct mdi_image_request request;
	struct modiso_image_options known;
	const char *slash;
	int result = check_request(&request, module, options, &known, out);

	if (result != 0)
		return result;
	if (path == NULL)
		return mdi_null_argument("path");
	slash = strrchr(path, '/');
	if (known.name == NULL)
		request.source.name = slash != NULL ? slash + 1 : path;
	result = mdi_image_file_open(&request.source, path);
	if (result != 0)
		return result;
	result = mdi_image_load(&request, out);
	mdi_scan_source_close(&request.source);
	return result;
}

int modiso_image_load_fd(struct modiso_module *module, int fd,
			 const struct modiso_image_options *options,
			 struct modiso_image **out)
{
	struct mdi_image_request request;
	struct modiso_image_options known;
	int result = check_request(&request, module, options, &known, out);

	if (result != 0)
		return result;
	if (fd < 0)
		return mdi_fail(MODISO_ERR_INVAL, "fd is %d", fd);
	result = mdi_image_file_descriptor(&request.source, fd);
	return result != 0 ? result : mdi_image_load(&request, out);
}

int modiso_image_load_memory(struct modiso_module *module, const void *bytes,
			     size_t length,
			     const struct modiso_image_options *options,
			     struct modiso_image **out)
{
	struct mdi_image_request request;
	struct modiso_image_options known;
	int result = check_request(&request, module, options, &known, out);

	if (result != 0)
		return result;
	if (bytes == NULL)
		return mdi_null_argument("bytes");
	result = mdi_image_file_memory(&request.source, bytes, length);
	return result != 0 ? result : mdi_image_load(&request, out);
}

int modiso_image_prepare(struct modiso_module *module, const void *bytes,
			 size_t length, const struct modiso_flat *flat,
			 const struct modiso_image_options *options,
			 struct modiso_image **out)
{
	struct modiso_flat layout = {.struct_size = sizeof(layout)};
	struct mdi_image_request request;
	struct modiso_image_options known;
	int result = check_request(&request, module, options, &known, out);

	if (result != 0)
		return result;
	if (bytes == NULL || flat == NULL)
		return mdi_null_argument(bytes == NULL ? "bytes" : "flat");
	result = mdi_options_take(flat, MDI_SIZE_FLAT, &layout, sizeof(layout),
				  "flat");
	if (result == 0)
		result = mdi_options_flags(layout.flags, 0, "flat.flags");
	if (result == 0 && known.flags & MODISO_IMAGE_DEBUGGER &&
	    layout.debug_file == NULL)
		result = mdi_fail(MODISO_ERR_NOTSUP,
				  "a flat image has nothing that gdb could "
				  "read without flat.debug_file");
	if (result == 0 && (known.export_count != 0 || known.abi != NULL ||
			    known.needed_dir_count != 0))
		result = mdi_fail(MODISO_ERR_INVAL,
				  "a flat image has no imports, no libraries "
				  "and no ABI tag");
	if (result == 0)
		result = mdi_image_file_memory(&request.source, bytes, length);
	return result != 0 ? result : mdi_image_prepare(&request, &layout, out);
}

int modiso_image_seal(struct modiso_image *image)
{
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (image == NULL)
		return mdi_null_argument("image");
	return mdi_image_seal(image);
}

int modiso_image_unload(struct modiso_image *image)
{
	int result = mdi_runtime_check();

	if (result != 0 || image == NULL)
		return result;
	return mdi_image_unload(image);
}

int modiso_image_symbol(const struct modiso_image *image, const char *name,
			void **address)
{
	uintptr_t found;
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (image == NULL || address == NULL)
		return mdi_null_argument(image == NULL ? "image" : "address");
	result = mdi_image_find(image, name, &found);
	if (result == 0)
		*address = (void *)found;
	return result;
}

int modiso_image_gate(const struct modiso_image *image, const char *name,
		      const struct modiso_gate_options *options,
		      struct modiso_gate **out)
{
	uintptr_t entry;
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (image == NULL || out == NULL)
		return mdi_null_argument(image == NULL ? "image" : "out");
	result = mdi_image_find(image, name, &entry);
	if (result != 0)
		return result;
	if (!mdi_image_brought_code(image, entry))
		return mdi_fail(MODISO_ERR_ACCESS,
				"%s of image %s is not in its code", name,
				image->name);
	return modiso_gate_create(image->module, (modiso_fn)entry, options,
				  out);
}

int modiso_image_get_info(const struct modiso_image *image,
			  struct modiso_image_info *info)
{
	struct modiso_image_info answer = {0};
	const struct mdi_image_part *first, *last;
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (image == NULL)
		return mdi_null_argument("image");
	result = mdi_info_check(info, MDI_SIZE_IMAGE_INFO, "info");
	if (result != 0)
		return result;
	answer.sealed = image->sealed;
	answer.base = (void *)image->bias;
	first = &image->part[0];
	last = &image->part[image->part_count - 1];
	answer.start = image->pages + first->offset;
	answer.length = last->offset + last->length - first->offset;
	answer.entry = (void *)image->entry;
	answer.module = image->module;
	memcpy(answer.name, image->name, sizeof(answer.name));
	mdi_info_give(info, &answer, sizeof(answer));
	return 0;
}
