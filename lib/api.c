/* SPDX-License-Identifier: MIT */
/*
 * Every exported function that can fail: check the arguments, take the lock,
 * call one internal function. (modiso_strerror() and its kind live with what
 * they describe.)
 */
#include <modiso.h>

#include "backend/select.h"
#include "base/error.h"
#include "base/misuse.h"
#include "base/options.h"
#include "code/image.h"
#include "core/fault.h"
#include "core/gate.h"
#include "core/handler.h"
#include "core/range.h"
#include "core/region.h"
#include "core/runtime.h"
#include "core/schedule.h"
#include "core/service.h"
#include "core/thread.h"
#include "core/window.h"

#include <string.h>

#define BACKEND_INFO_MIN sizeof(struct modiso_backend_info)
#define REGION_INFO_MIN sizeof(struct modiso_region_info)

/* --- helpers --- */

static void check_module_mark(const struct modiso_module *module)
{
	mdi_check_mark(module->mark, MDI_MARK_MODULE,
		       "a module was used after modiso_module_destroy()");
}

static void check_region_mark(const struct modiso_region *region)
{
	mdi_check_mark(region->mark, MDI_MARK_REGION,
		       "a region was used after modiso_region_destroy()");
}

static void check_gate_mark(const struct modiso_gate *gate)
{
	mdi_check_mark(gate->mark, MDI_MARK_GATE,
		       "a gate was used after modiso_gate_destroy()");
}

static void check_service_mark(const struct modiso_service *service)
{
	mdi_check_mark(service->mark, MDI_MARK_SERVICE,
		       "a service was used after modiso_service_destroy()");
}

static int check_name(const char *name, const char *what)
{
	size_t length;

	if (name == NULL)
		return mdi_null_argument(what);
	length = strnlen(name, MODISO_NAME_SIZE);
	if (length == 0 || length == MODISO_NAME_SIZE)
		return mdi_fail(MODISO_ERR_INVAL,
				"%s must have 1 to %d bytes", what,
				MODISO_NAME_SIZE - 1);
	return 0;
}

static struct modiso_module *public_owner(struct modiso_module *owner)
{
	return owner->domain.kind == MDI_DOMAIN_MODULE ? owner : NULL;
}

/* --- version, backend, init --- */

const char *modiso_version(void)
{
	return MODISO_VERSION_STRING;
}

int modiso_backend_query(enum modiso_backend id,
			 struct modiso_backend_info *info)
{
	const struct mdi_backend *backend = mdi_select_by_id(id);
	struct modiso_backend_info answer;

	if (info == NULL)
		return mdi_null_argument("info");
	if (info->struct_size < BACKEND_INFO_MIN)
		return mdi_fail(MODISO_ERR_INVAL, "info.struct_size is %u",
				info->struct_size);
	if (backend == NULL)
		return mdi_fail(MODISO_ERR_INVAL, "%d is no backend", (int)id);
	mdi_select_probe(backend, &answer);
	answer.struct_size = info->struct_size;
	memcpy(info, &answer, sizeof(answer));
	return 0;
}

enum modiso_backend modiso_backend_current(void)
{
	const struct mdi_backend *backend = mdi_backend_now;

	return backend ? backend->id : MODISO_BACKEND_AUTO;
}

int modiso_init(const struct modiso_options *options)
{
	struct modiso_options known = { .struct_size = sizeof(known) };
	int result;

	if (options != NULL) {
		result = mdi_options_take(options, options->struct_size, &known,
					  sizeof(known), "options");
		if (result != 0)
			return result;
	}
	result = mdi_options_flags(known.flags, 0, "options.flags");
	if (result == 0 && known.exclusion > MODISO_EXCLUSION_EXTERNAL)
		result = mdi_fail(MODISO_ERR_INVAL,
				  "options.exclusion is %u, neither internal "
				  "nor external",
				  known.exclusion);
	if (result != 0)
		return result;
	mdi_interpose();
	return mdi_runtime_start(&known);
}

int modiso_fini(void)
{
	int result = mdi_runtime_check();

	return result != 0 ? result : mdi_runtime_stop();
}

/* --- modules --- */

static int check_confinement(const struct modiso_module_options *options)
{
	static const struct {
		uint32_t cap;
		const char *name;
	} levels[] = {
		[MODISO_CONFINE_GUARD] = { MODISO_CAP_GUARD, "GUARD" },
		[MODISO_CONFINE_READONLY] = { MODISO_CAP_READONLY,
					      "READONLY" },
		[MODISO_CONFINE_SEALED] = { MODISO_CAP_SEALED, "SEALED" },
	};
	struct modiso_backend_info info;

	if (options->confinement >= MDI_COUNT(levels))
		return mdi_fail(MODISO_ERR_INVAL,
				"options.confinement is %u, no level",
				options->confinement);
	if (options->confinement == MODISO_CONFINE_GUARD)
		return 0;
	mdi_select_probe(mdi_backend_now, &info);
	if (!(info.caps & levels[options->confinement].cap))
		return mdi_fail(MODISO_ERR_NOTSUP,
				"confinement %s cannot be had: %s",
				levels[options->confinement].name,
				info.reason);
	return 0;
}

int modiso_module_create(const char *name,
			 const struct modiso_module_options *options,
			 struct modiso_module **out)
{
	struct modiso_module_options known = { .struct_size = sizeof(known) };
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	result = check_name(name, "name");
	if (result == 0 && out == NULL)
		result = mdi_null_argument("out");
	if (result == 0 && options != NULL)
		result = mdi_options_take(options, options->struct_size, &known,
					  sizeof(known), "options");
	if (result == 0)
		result = mdi_options_flags(known.flags, 0, "options.flags");
	if (result == 0)
		result = check_confinement(&known);
	if (result != 0)
		return result;
	mdi_runtime_lock();
	result = mdi_handlers_adopt();
	if (result == 0)
		result = mdi_module_create(name, &known, MDI_DOMAIN_MODULE,
					   out);
	mdi_runtime_unlock();
	return result;
}

int modiso_module_destroy(struct modiso_module *module)
{
	int result;

	if (module == NULL)
		return 0;
	result = mdi_runtime_check();
	if (result != 0)
		return result;
	check_module_mark(module);
	mdi_runtime_lock();
	result = mdi_module_destroy(module);
	if (result == 0)
		mdi_images_forget(module);
	mdi_runtime_unlock();
	return result;
}

const char *modiso_module_name(const struct modiso_module *module)
{
	return module->name;
}

void *modiso_module_cookie(const struct modiso_module *module)
{
	return module->cookie;
}

uint64_t modiso_module_id(const struct modiso_module *module)
{
	return module->id;
}

struct modiso_module *modiso_module_caller(void)
{
	const struct mdi_thread *thread = mdi_thread_self();
	const struct mdi_frame *frame = thread ? mdi_frame_top(thread) : NULL;

	if (frame == NULL)
		return NULL;
	return mdi_domain_module(mdi_frame_domain(thread, frame));
}

/* --- regions --- */

struct region_request {
	struct modiso_module *owner;
	uint32_t flags;
	const char *name;
};

/* What creating and adopting have in common. */
static int check_region(struct modiso_module *owner, uint32_t access,
			uint32_t flags,
			const struct modiso_region_options *options,
			struct modiso_region **out,
			struct region_request *request)
{
	struct modiso_region_options known = { .struct_size = sizeof(known) };
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (out == NULL)
		return mdi_null_argument("out");
	if (owner != NULL)
		check_module_mark(owner);
	if (access != MODISO_READ && access != (MODISO_READ | MODISO_WRITE))
		return mdi_fail(MODISO_ERR_INVAL,
				"access is %#x, not MODISO_READ or MODISO_READ "
				"| MODISO_WRITE",
				access);
	if (options != NULL)
		result = mdi_options_take(options, options->struct_size, &known,
					  sizeof(known), "options");
	if (result == 0)
		result = mdi_options_flags(known.flags,
					   MODISO_REGION_CLOSED |
						   MODISO_REGION_NODUMP | flags,
					   "options.flags");
	if (result == 0 && known.name != NULL)
		result = check_name(known.name, "options.name");
	if (result == 0 && known.flags & MODISO_REGION_CLOSED && owner != NULL)
		result = mdi_fail(MODISO_ERR_INVAL,
				  "MODISO_REGION_CLOSED is for host regions");
	if (result != 0)
		return result;
	request->owner = owner != NULL			   ? owner :
			 known.flags & MODISO_REGION_CLOSED ? mdi_host_closed :
							      mdi_host;
	request->flags = known.flags;
	request->name = known.name ? known.name : "region";
	return 0;
}

int modiso_region_create(struct modiso_module *owner, size_t length,
			 uint32_t access,
			 const struct modiso_region_options *options,
			 struct modiso_region **out)
{
	struct region_request request;
	size_t rounded;
	int result = check_region(owner, access, 0, options, out, &request);

	if (result != 0)
		return result;
	if (length == 0 || !mdi_page_round(length, &rounded))
		return mdi_fail(MODISO_ERR_INVAL,
				"length is %zu: nothing, or it wraps when it "
				"is rounded up to pages",
				length);
	mdi_runtime_lock();
	result = mdi_region_create(request.owner, rounded, access,
				   request.flags, request.name, out);
	mdi_runtime_unlock();
	return result;
}

static int check_adopted_range(void *base, size_t length)
{
	uintptr_t end;

	if (!mdi_page_aligned((uintptr_t)base))
		return mdi_fail(MODISO_ERR_INVAL,
				"base %p is not page aligned: its page would "
				"take a neighbour's bytes along",
				base);
	if (length == 0 || !mdi_page_aligned(length))
		return mdi_fail(MODISO_ERR_INVAL,
				"length %zu is not a whole number of pages: "
				"the last page would take a neighbour's bytes "
				"along",
				length);
	if (!mdi_range_end((uintptr_t)base, length, &end))
		return mdi_fail(MODISO_ERR_INVAL,
				"%zu bytes at %p wrap around the end of the "
				"address space",
				length, base);
	return 0;
}

int modiso_region_adopt(struct modiso_module *owner, void *base, size_t length,
			uint32_t access,
			const struct modiso_region_options *options,
			struct modiso_region **out)
{
	struct region_request request;
	int result = check_region(owner, access, 0, options, out, &request);

	if (result == 0)
		result = check_adopted_range(base, length);
	if (result != 0)
		return result;
	mdi_runtime_lock();
	result = mdi_region_adopt(request.owner, base, length, access,
				  request.flags, request.name, out);
	mdi_runtime_unlock();
	return result;
}

int modiso_region_map_shared(struct modiso_module *owner, int fd,
			     uint64_t offset, size_t length, uint32_t access,
			     const struct modiso_region_options *options,
			     struct modiso_region **out)
{
	struct region_request request;
	int result = check_region(owner, access, MODISO_REGION_NOSHRINK,
				  options, out, &request);

	if (result != 0)
		return result;
	mdi_runtime_lock();
	result = mdi_region_map(request.owner, fd, offset, length, access,
				request.flags, request.name, out);
	mdi_runtime_unlock();
	return result;
}

int modiso_region_map_named(struct modiso_module *owner, const char *shm,
			    uint64_t offset, size_t length, uint32_t access,
			    const struct modiso_region_options *options,
			    struct modiso_region **out)
{
	struct region_request request;
	int result = check_region(owner, access, MODISO_REGION_NOSHRINK,
				  options, out, &request);

	if (result == 0 && shm == NULL)
		result = mdi_null_argument("shm");
	if (result != 0)
		return result;
	mdi_runtime_lock();
	result = mdi_region_map_named(request.owner, shm, offset, length,
				      access, request.flags, request.name, out);
	mdi_runtime_unlock();
	return result;
}

/* Segments change and go with their image alone. */
static int check_own(const struct modiso_region *region)
{
	if (region->heap)
		return mdi_fail(MODISO_ERR_BUSY,
				"region %s is the heap of module %s; see "
				"modiso_heap_destroy()",
				region->name, region->owner->name);
	if (!region->image)
		return 0;
	return mdi_fail(MODISO_ERR_BUSY,
			"region %s is a segment of an image; see "
			"modiso_image_unload()",
			region->name);
}

int modiso_region_protect(struct modiso_region *region, uint32_t access)
{
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (region == NULL)
		return mdi_null_argument("region");
	check_region_mark(region);
	check_region_mark(region);
	if (access != MODISO_READ && access != (MODISO_READ | MODISO_WRITE) &&
	    access != (MODISO_READ | MODISO_EXEC))
		return mdi_fail(MODISO_ERR_INVAL,
				"access is %#x: it must be read, read and "
				"write, or read and execute",
				access);
	result = check_own(region);
	if (result != 0)
		return result;
	mdi_runtime_lock();
	result = mdi_region_protect(region, access);
	mdi_runtime_unlock();
	return result;
}

int modiso_region_destroy(struct modiso_region *region)
{
	int result;

	if (region == NULL)
		return 0;
	result = mdi_runtime_check();
	if (result != 0)
		return result;
	check_region_mark(region);
	result = check_own(region);
	if (result != 0)
		return result;
	mdi_runtime_lock();
	if (region->owner->domain.kind == MDI_DOMAIN_MODULE &&
	    mdi_threads_inside(&region->owner->domain))
		result = mdi_fail(MODISO_ERR_BUSY,
				  "a thread is inside module %s, which owns "
				  "region %s",
				  region->owner->name, region->name);
	else
		result = mdi_region_destroy(region);
	mdi_runtime_unlock();
	return result;
}

static int fill_region_info(const struct modiso_region *region,
			    struct modiso_region_info *info)
{
	uint32_t struct_size = info->struct_size;

	memset(info, 0, sizeof(*info));
	info->struct_size = struct_size;
	info->access = region->access;
	info->base = (void *)region->node.base;
	info->length = region->node.end - region->node.base;
	info->owner = public_owner(region->owner);
	info->region = (struct modiso_region *)(uintptr_t)region;
	info->flags = region->flags;
	info->adopted = region->adopted;
	info->shared = region->shared;
	memcpy(info->name, region->name, sizeof(info->name));
	return 0;
}

static int check_region_info(const struct modiso_region_info *info)
{
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (info == NULL)
		return mdi_null_argument("info");
	if (info->struct_size < REGION_INFO_MIN)
		return mdi_fail(MODISO_ERR_INVAL, "info.struct_size is %u",
				info->struct_size);
	return 0;
}

int modiso_region_find(const void *address, struct modiso_region_info *info)
{
	const struct modiso_region *region;
	int result = check_region_info(info);

	if (result != 0)
		return result;
	region = mdi_region_at((uintptr_t)address);
	if (region == NULL)
		return mdi_fail(MODISO_ERR_NOENT, "no region holds %p",
				address);
	return fill_region_info(region, info);
}

int modiso_region_get_info(const struct modiso_region *region,
			   struct modiso_region_info *info)
{
	int result = check_region_info(info);

	if (result != 0)
		return result;
	if (region == NULL)
		return mdi_null_argument("region");
	check_region_mark(region);
	return fill_region_info(region, info);
}

void *modiso_region_base(const struct modiso_region *region)
{
	return (void *)region->node.base;
}

size_t modiso_region_length(const struct modiso_region *region)
{
	return region->node.end - region->node.base;
}

/* --- gates --- */

int modiso_gate_create(struct modiso_module *module, modiso_fn entry,
		       const struct modiso_gate_options *options,
		       struct modiso_gate **out)
{
	struct modiso_gate_options known = {
		.struct_size = sizeof(known),
		.word_args = MODISO_ARGS_MAX,
		.float_args = 8,
	};
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (module == NULL || entry == NULL || out == NULL)
		return mdi_null_argument(module == NULL  ? "module"
					 : entry == NULL ? "entry"
							 : "out");
	check_module_mark(module);
	if (options != NULL)
		result = mdi_options_take(options, options->struct_size, &known,
					  sizeof(known), "options");
	if (result == 0)
		result = mdi_options_flags(known.flags, MODISO_GATE_SCRUB,
					   "options.flags");
	if (result == 0 &&
	    (known.word_args > MODISO_ARGS_MAX || known.float_args > 8))
		result = mdi_fail(MODISO_ERR_INVAL,
				  "%u word and %u float arguments: at most 6 "
				  "and 8 travel in registers",
				  known.word_args, known.float_args);
	if (result != 0)
		return result;
	mdi_runtime_lock();
	result = mdi_gate_create(module, entry, &known, out);
	mdi_runtime_unlock();
	return result;
}

int modiso_gate_destroy(struct modiso_gate *gate)
{
	int result;

	if (gate == NULL)
		return 0;
	result = mdi_runtime_check();
	if (result != 0)
		return result;
	check_gate_mark(gate);
	mdi_runtime_lock();
	mdi_gate_destroy(gate);
	mdi_runtime_unlock();
	return 0;
}

/* The arguments of a call into a module, all six. */
static int take_words(const struct modiso_gate *gate, const uintptr_t *args,
		      unsigned count, uintptr_t words[MODISO_ARGS_MAX])
{
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (gate == NULL)
		return mdi_null_argument("gate");
	check_gate_mark(gate);
	if (count > MODISO_ARGS_MAX)
		return mdi_fail(MODISO_ERR_INVAL, "%u arguments, at most %d",
				count, MODISO_ARGS_MAX);
	if (args == NULL && count != 0)
		return mdi_null_argument("args");
	for (unsigned i = 0; i < count; i++)
		words[i] = args[i];
	return 0;
}

int modiso_gate_call(struct modiso_gate *gate, const uintptr_t *args,
		     unsigned count, uintptr_t *out)
{
	uintptr_t words[MODISO_ARGS_MAX] = { 0 };
	int result = take_words(gate, args, count, words);

	if (result != 0)
		return result;
	result = mdi_gate_call(gate, words, out);
	/* In reports the host's frames begin with the caller, not here. */
	if (result == MODISO_ERR_FAULT)
		mdi_fault_called_by((uintptr_t)__builtin_return_address(0),
				    (uintptr_t)__builtin_dwarf_cfa());
	return result;
}

int modiso_gate_thunk(struct modiso_gate *gate, modiso_fn *out)
{
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (gate == NULL || out == NULL)
		return mdi_null_argument(gate == NULL ? "gate" : "out");
	check_gate_mark(gate);
	mdi_runtime_lock();
	result = mdi_gate_thunk(gate, out);
	mdi_runtime_unlock();
	return result;
}

int modiso_gate_status(void)
{
	return mdi_status_take();
}

/* --- services --- */

int modiso_service_create(const char *name, modiso_fn function,
			  const struct modiso_service_options *options,
			  struct modiso_service **out)
{
	struct modiso_service_options known = { .struct_size = sizeof(known) };
	int result = mdi_runtime_check();

	if (result == 0)
		result = check_name(name, "name");
	if (result != 0)
		return result;
	if (function == NULL || out == NULL)
		return mdi_null_argument(function == NULL ? "function" : "out");
	if (options != NULL)
		result = mdi_options_take(options, options->struct_size, &known,
					  sizeof(known), "options");
	if (result == 0)
		result = mdi_options_flags(known.flags, MODISO_SERVICE_LISTED,
					   "options.flags");
	if (result != 0)
		return result;
	mdi_runtime_lock();
	result = mdi_service_create(name, function,
				    known.flags & MODISO_SERVICE_LISTED, out);
	mdi_runtime_unlock();
	return result;
}

static int change_list(struct modiso_service *service,
		       struct modiso_module *module, bool yes)
{
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (service == NULL || module == NULL)
		return mdi_null_argument(service == NULL ? "service"
							 : "module");
	check_service_mark(service);
	check_module_mark(module);
	mdi_runtime_lock();
	result = mdi_service_allow(service, module, yes);
	mdi_runtime_unlock();
	return result;
}

int modiso_service_allow(struct modiso_service *service,
			 struct modiso_module *module)
{
	return change_list(service, module, true);
}

int modiso_service_deny(struct modiso_service *service,
			struct modiso_module *module)
{
	return change_list(service, module, false);
}

modiso_fn modiso_service_thunk(const struct modiso_service *service)
{
	return mdi_service_thunk(service);
}

int modiso_service_destroy(struct modiso_service *service)
{
	int result;

	if (service == NULL)
		return 0;
	result = mdi_runtime_check();
	if (result != 0)
		return result;
	check_service_mark(service);
	mdi_runtime_lock();
	mdi_service_destroy(service);
	mdi_runtime_unlock();
	return 0;
}

/* --- windows --- */

int modiso_window_open(struct modiso_region *region, uint32_t access)
{
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (region == NULL)
		return mdi_null_argument("region");
	check_region_mark(region);
	if (access != MODISO_READ && access != (MODISO_READ | MODISO_WRITE))
		return mdi_fail(MODISO_ERR_INVAL,
				"access is %#x, not MODISO_READ or MODISO_READ "
				"| MODISO_WRITE",
				access);
	return mdi_window_open(region, access);
}

int modiso_window_close(struct modiso_region *region)
{
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (region == NULL)
		return mdi_null_argument("region");
	check_region_mark(region);
	return mdi_window_close(region);
}

/* --- ranges --- */

static int check_module(const struct modiso_module *module)
{
	int result = mdi_runtime_check();

	if (result == 0 && module == NULL)
		return mdi_null_argument("module");
	if (result == 0)
		check_module_mark(module);
	return result;
}

int modiso_range_check(struct modiso_module *module, const void *address,
		       size_t length, uint32_t access)
{
	int result = check_module(module);

	if (result != 0)
		return result;
	if (access != MODISO_READ && access != (MODISO_READ | MODISO_WRITE) &&
	    access != (MODISO_READ | MODISO_EXEC))
		return mdi_fail(MODISO_ERR_INVAL,
				"access is %#x: it must be read, read and "
				"write, or read and execute",
				access);
	return mdi_range_check(module, (uintptr_t)address, length, access);
}

int modiso_copy_in(struct modiso_module *module, void *to, const void *from,
		   size_t length)
{
	int result = check_module(module);

	if (result != 0)
		return result;
	if (to == NULL && length != 0)
		return mdi_null_argument("to");
	result = mdi_range_check(module, (uintptr_t)from, length, MODISO_READ);
	return result != 0 ? result : mdi_range_copy(to, from, length, from);
}

int modiso_copy_out(struct modiso_module *module, void *to, const void *from,
		    size_t length)
{
	int result = check_module(module);

	if (result != 0)
		return result;
	if (from == NULL && length != 0)
		return mdi_null_argument("from");
	result = mdi_range_check(module, (uintptr_t)to, length,
				 MODISO_READ | MODISO_WRITE);
	return result != 0 ? result : mdi_range_copy(to, from, length, to);
}

int modiso_strnlen(struct modiso_module *module, const char *string, size_t max,
		   size_t *length)
{
	char piece[256];
	size_t done = 0, want, found;
	int result = check_module(module);

	if (result != 0)
		return result;
	if (length == NULL || max == 0)
		return length == NULL ? mdi_null_argument("length")
				      : mdi_fail(MODISO_ERR_INVAL, "max is 0");
	while (done < max) {
		want = max - done < sizeof(piece) ? max - done : sizeof(piece);
		want = mdi_range_reach(module, (uintptr_t)string + done, want,
				       MODISO_READ);
		if (want == 0)
			return mdi_range_check(module,
					       (uintptr_t)string + done, 1,
					       MODISO_READ);
		result = mdi_range_copy(piece, string + done, want,
					string + done);
		if (result != 0)
			return result;
		found = strnlen(piece, want);
		if (found < want) {
			*length = done + found;
			return 0;
		}
		done += want;
	}
	return mdi_fail(MODISO_ERR_LIMIT, "no zero in the first %zu bytes",
			max);
}

/* --- faults --- */

int modiso_fault_notify(struct modiso_module *module, modiso_filter_fn filter,
			modiso_landing_fn landing, void *arg)
{
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (module != NULL)
		check_module_mark(module);
	mdi_runtime_lock();
	mdi_fault_notify(module, filter, landing, arg);
	mdi_runtime_unlock();
	return 0;
}

int modiso_fault_last(struct modiso_fault *fault)
{
	const struct mdi_thread *thread = mdi_thread_self();
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (fault == NULL || fault->struct_size < sizeof(*fault))
		return mdi_fail(MODISO_ERR_INVAL,
				"fault is NULL, or its struct_size is too "
				"small");
	if (thread == NULL || mdi_fault_counter == 0)
		return mdi_fail(MODISO_ERR_NOENT,
				"no module has faulted on this thread");
	memcpy(fault, &thread->fault, sizeof(*fault));
	return 0;
}

uint64_t modiso_fault_count(void)
{
	return mdi_fault_counter;
}

/* --- threads --- */

int modiso_thread_attach(void)
{
	struct mdi_thread *thread;
	int result = mdi_runtime_check();

	return result != 0 ? result : mdi_thread_attach(&thread);
}

int modiso_thread_detach(void)
{
	int result = mdi_runtime_check();

	return result != 0 ? result : mdi_thread_detach();
}

int modiso_thread_self(struct modiso_thread **out)
{
	struct mdi_thread *thread;
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (out == NULL)
		return mdi_null_argument("out");
	result = mdi_thread_attach(&thread);
	if (result == 0)
		*out = (struct modiso_thread *)thread;
	return result;
}

/* What comes in as a handle, and whether the host may schedule. */
static int check_thread(const struct modiso_thread *handle, bool external,
			struct mdi_thread **thread)
{
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (handle == NULL)
		return mdi_null_argument("thread");
	if (external && !mdi_open.state.external)
		return mdi_fail(MODISO_ERR_STATE,
				"the library was not started with "
				"MODISO_EXCLUSION_EXTERNAL");
	*thread = mdi_thread_known(handle);
	if (*thread == NULL)
		return mdi_fail(MODISO_ERR_NOENT,
				"%p is no thread that is attached",
				(const void *)handle);
	return 0;
}

int modiso_thread_preempt(struct modiso_thread *handle)
{
	struct mdi_thread *thread = NULL;
	int result = check_thread(handle, true, &thread);

	if (result == 0)
		mdi_backend_now->preempt(thread);
	return result;
}

int modiso_thread_resume(struct modiso_thread *handle)
{
	struct mdi_thread *thread = NULL;
	int result = check_thread(handle, true, &thread);

	return result != 0 ? result : mdi_backend_now->resume(thread);
}

int modiso_thread_enter(struct modiso_gate *gate, const uintptr_t *args,
			unsigned count, modiso_ended_fn ended, void *arg)
{
	uintptr_t words[MODISO_ARGS_MAX] = { 0 };
	int result = take_words(gate, args, count, words);

	return result != 0 ? result :
			     mdi_thread_enter(gate, words, ended, arg);
}

int modiso_thread_abandon(struct modiso_thread *handle,
			  modiso_abandoned_fn landing, void *arg)
{
	struct mdi_thread *thread = NULL;
	int result = check_thread(handle, false, &thread);

	return result != 0 ? result : mdi_thread_abandon(thread, landing, arg);
}

/* --- signals --- */

int modiso_signal_adopt(void)
{
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	mdi_runtime_lock();
	result = mdi_handlers_adopt();
	mdi_runtime_unlock();
	return result;
}
