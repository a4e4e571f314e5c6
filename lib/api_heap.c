/* SPDX-License-Identifier: MIT */
/* The exported functions of modiso/heap.h. */
#include <modiso.h>

#include "base/error.h"
#include "base/options.h"
#include "core/check.h"
#include "core/front.h"
#include "core/heap_cache.h"
#include "core/runtime.h"
#include "core/sizes.h"

static MDI_RARE int why_no_heap(const struct modiso_module *module)
{
	int result = mdi_check_module(module);

	if (result == 0 && module->heap == NULL)
		return mdi_fail(MODISO_ERR_NOENT, "module %s has no heap",
				module->name);
	return result;
}

static bool is_host(void)
{
	const struct mdi_backend *backend = mdi_backend_running();

	return backend != NULL && !backend->inside();
}

static int check_heap(const struct modiso_module *module)
{
	if (module == NULL || !is_host() ||
	    module->mark != MDI_MARK_MODULE || module->heap == NULL)
		return why_no_heap(module);
	return 0;
}

/*
 * The same in few instructions and without a call: a thread that is in no gate
 * runs the host's code. False: it is to be asked the other way.
 */
MDI_INLINE bool surely_has_heap(const struct modiso_module *module,
				const struct mdi_thread *thread)
{
	return module != NULL && thread != NULL &&
	       mdi_backend_running() != NULL &&
	       (mdi_frame_top(thread) == NULL || mdi_backend_surely_host()) &&
	       module->mark == MDI_MARK_MODULE && module->heap != NULL;
}

/* The last thing before the return: then nothing has to be kept for later. */
static MDI_RARE int deliver(void)
{
	mdi_critical_deliver();
	return 0;
}

static int take_options(const struct modiso_region_options *options,
			struct modiso_region_options *known)
{
	int result;

	result = mdi_options_take(options, MDI_SIZE_REGION_OPTIONS, known,
				  sizeof(*known), "options");
	if (result == 0)
		result = mdi_options_flags(known->flags, MODISO_REGION_NODUMP,
					   "options.flags");
	if (result == 0)
		result = mdi_options_flags(known->unused, 0, "options.unused");
	if (result != 0)
		return result;
	if (known->name == NULL)
		known->name = "heap";
	return mdi_check_name(known->name, "options.name");
}

int modiso_heap_create(struct modiso_module *module, size_t length,
		       const struct modiso_region_options *options)
{
	struct modiso_region_options known = { .struct_size = sizeof(known) };
	size_t rounded = 0;
	int result = mdi_check_module(module);

	if (result == 0)
		result = take_options(options, &known);
	if (result == 0)
		result = mdi_check_length(length, &rounded);
	if (result == 0)
		result = mdi_front_now->retake();
	if (result != 0)
		return result;
	mdi_runtime_lock();
	result = mdi_heap_create(module, rounded, known.flags, known.name);
	mdi_runtime_unlock();
	return result;
}

int modiso_heap_destroy(struct modiso_module *module)
{
	int result = mdi_runtime_check();

	if (result != 0 || module == NULL)
		return result;
	result = mdi_check_module(module);
	if (result != 0 || module->heap == NULL)
		return result;
	mdi_runtime_lock();
	result = mdi_heap_destroy(module);
	mdi_runtime_unlock();
	return result;
}

static MDI_RARE int alloc(struct modiso_module *module, size_t size,
			  size_t align, uint32_t flags, void **out)
{
	int result = check_heap(module);

	if (result == 0 && out == NULL)
		result = mdi_null_argument("out");
	if (result == 0)
		result = mdi_options_flags(flags, MODISO_HEAP_ZERO, "flags");
	if (result != 0)
		return result;
	if (align & (align - 1))
		return mdi_fail(MODISO_ERR_INVAL,
				"align is %zu, no power of two", align);
	return mdi_heap_alloc(module, size, align, flags & MODISO_HEAP_ZERO,
			      out);
}

static MDI_RARE int deliver_and_alloc(struct modiso_module *module, size_t size,
				      size_t align, uint32_t flags, void **out)
{
	mdi_critical_deliver();
	return alloc(module, size, align, flags, out);
}

int modiso_heap_alloc(struct modiso_module *module, size_t size, size_t align,
		      uint32_t flags, void **out)
{
	struct mdi_thread *thread = mdi_thread_self();
	void *block;
	bool kept;

	/* Most calls, in few instructions. */
	if (size - 1 >= MDI_BLOCK_SMALL || align != 0 || flags != 0 ||
	    out == NULL || !surely_has_heap(module, thread))
		return alloc(module, size, align, flags, out);
	block = mdi_cache_take(module->heap, thread, size, &kept);
	if (block == NULL)
		return kept ? deliver_and_alloc(module, size, align, flags,
						out) :
			      alloc(module, size, align, flags, out);
	*out = block;
	return kept ? deliver() : 0;
}

int modiso_heap_resize(struct modiso_module *module, void *block, size_t size,
		       void **out)
{
	int result = check_heap(module);

	if (result == 0 && out == NULL)
		result = mdi_null_argument("out");
	return result != 0 ? result :
			     mdi_heap_resize(module, block, size, out);
}

static MDI_RARE int give(struct modiso_module *module, void *block)
{
	int result = check_heap(module);

	return result != 0 ? result : mdi_heap_give(module, block);
}

static MDI_RARE int deliver_and_give(struct modiso_module *module, void *block)
{
	mdi_critical_deliver();
	return give(module, block);
}

int modiso_heap_free(struct modiso_module *module, void *block)
{
	struct mdi_thread *thread = mdi_thread_self();
	bool kept;

	if (!surely_has_heap(module, thread))
		return give(module, block);
	if (!mdi_cache_give(module->heap, thread, block, &kept))
		return kept ? deliver_and_give(module, block) :
			      give(module, block);
	return kept ? deliver() : 0;
}

int modiso_heap_get_size(struct modiso_module *module, const void *block,
			 size_t *size)
{
	int result = check_heap(module);

	if (result == 0 && size == NULL)
		result = mdi_null_argument("size");
	return result != 0 ? result : mdi_heap_size(module, block, size);
}

int modiso_heap_get_info(struct modiso_module *module,
			 struct modiso_heap_info *info)
{
	struct modiso_heap_info answer = {0};
	struct mdi_heap_sum sum;
	struct mdi_heap *heap;
	int result = check_heap(module);

	if (result == 0)
		result = mdi_info_check(info, MDI_SIZE_HEAP_INFO, "info");
	if (result != 0)
		return result;
	heap = module->heap;
	mdi_heap_sum(heap, &sum, &answer.refused);
	answer.base = (void *)heap->base;
	answer.length = heap->length;
	answer.used = sum.used;
	answer.peak = sum.peak;
	answer.blocks = sum.blocks;
	mdi_info_give(info, &answer, sizeof(answer));
	return 0;
}

modiso_fn modiso_heap_function(enum modiso_heap_function which)
{
	return mdi_heap_function(which);
}
