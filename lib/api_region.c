/* SPDX-License-Identifier: MIT */
/* The exported functions of modiso/region.h. */
#include <modiso.h>

#include "base/error.h"
#include "base/options.h"
#include "code/executable.h"
#include "core/check.h"
#include "core/front.h"
#include "core/grant.h"
#include "core/region.h"
#include "core/runtime.h"
#include "core/sizes.h"
#include "core/thread.h"

#include <string.h>

struct region_request {
	struct modiso_module *owner;
	uint32_t flags;
	uint32_t becomes;
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
		mdi_mark_module(owner);
	result = mdi_check_data_access(access);
	if (result == 0)
		result = mdi_options_take(options, MDI_SIZE_REGION_OPTIONS,
					  &known, sizeof(known), "options");
	if (result == 0)
		result = mdi_options_flags(known.flags,
					   MODISO_REGION_CLOSED |
						   MODISO_REGION_NODUMP | flags,
					   "options.flags");
	if (result == 0)
		result = mdi_options_flags(known.unused, 0, "options.unused");
	if (result == 0 && known.name != NULL)
		result = mdi_check_name(known.name, "options.name");
	if (result == 0 && known.becomes != 0)
		result = mdi_check_access(known.becomes);
	if (result == 0 && known.flags & MODISO_REGION_CLOSED && owner != NULL)
		result = mdi_fail(MODISO_ERR_INVAL,
				  "MODISO_REGION_CLOSED is for host regions");
	if (result == 0)
		result = mdi_front_now->retake();
	if (result != 0)
		return result;
	request->owner = owner != NULL			   ? owner :
			 known.flags & MODISO_REGION_CLOSED ? mdi_host_closed :
							      mdi_host;
	request->flags = known.flags;
	request->becomes = known.becomes;
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

	if (result == 0)
		result = mdi_check_length(length, &rounded);
	if (result != 0)
		return result;
	mdi_runtime_lock();
	result = mdi_region_create(request.owner, rounded, access,
				   request.becomes ? request.becomes : access,
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

/* What the library made changes and goes with what it made it for. */
static int check_own(const struct modiso_region *region)
{
	if (region->stack)
		return mdi_fail(MODISO_ERR_BUSY,
				"region %s is a stack of module %s, and goes "
				"with it",
				region->name, region->owner->name);
	if (region->mailbox)
		return mdi_fail(MODISO_ERR_BUSY,
				"region %s is a thread's mailbox in module %s, "
				"and goes with it",
				region->name, region->owner->name);
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
	int result = mdi_check_region(region);

	if (result == 0)
		result = mdi_check_access(access);
	if (result == 0)
		result = check_own(region);
	if (result != 0)
		return result;
	if (access & MODISO_EXEC)
		return mdi_executable_protect(region);
	mdi_runtime_lock();
	result = mdi_region_protect(region, access);
	mdi_runtime_unlock();
	return result;
}

/* Which regions can be granted at all. */
static int check_grant(const struct modiso_region *region,
		       const struct modiso_module *module)
{
	if (region->owner == module)
		return mdi_fail(MODISO_ERR_INVAL,
				"region %s is module %s's own; see "
				"modiso_region_protect()",
				region->name, module->name);
	if (region->owner->domain.kind == MDI_DOMAIN_CLOSED)
		return mdi_fail(MODISO_ERR_ACCESS,
				"region %s is closed to the host as well "
				"(MODISO_REGION_CLOSED)",
				region->name);
	return check_own(region);
}

/* And which of them just now. */
static int check_grant_now(const struct modiso_region *region, uint32_t access)
{
	if (region->windows != 0)
		return mdi_fail(MODISO_ERR_BUSY,
				"a window is open on region %s", region->name);
	if (access == 0)
		return 0;
	if (region->access & MODISO_EXEC || (region->access & access) != access)
		return mdi_fail(MODISO_ERR_ACCESS,
				"the pages of region %s are %s",
				region->name,
				region->access & MODISO_EXEC ?
					"executable" :
					"not writable");
	if (region->saved)
		return mdi_fail(MODISO_ERR_BUSY,
				"region %s is part of a snapshot of %s, which "
				"would change what others see; grant first, "
				"then take the snapshot",
				region->name, region->owner->name);
	return 0;
}

static int change_grant(struct modiso_region *region,
			struct modiso_module *module, uint32_t access)
{
	int result;

	mdi_mark_region(region);
	mdi_mark_module(module);
	result = check_grant(region, module);
	if (result != 0)
		return result;
	mdi_runtime_lock();
	result = check_grant_now(region, access);
	if (result == 0 && access == 0 && mdi_grant_rights(module, region) == 0)
		result = mdi_fail(MODISO_ERR_NOENT,
				  "region %s is not granted to module %s",
				  region->name, module->name);
	if (result == 0)
		result = mdi_grant_change(region, module, access);
	mdi_runtime_unlock();
	return result;
}

int modiso_region_grant(struct modiso_region *region,
			struct modiso_module *module, uint32_t access)
{
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (region == NULL || module == NULL)
		return mdi_null_argument(region == NULL ? "region" : "module");
	result = mdi_check_data_access(access);
	return result != 0 ? result : change_grant(region, module, access);
}

int modiso_region_revoke(struct modiso_region *region,
			 struct modiso_module *module)
{
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (region == NULL || module == NULL)
		return mdi_null_argument(region == NULL ? "region" : "module");
	return change_grant(region, module, 0);
}

int modiso_region_destroy(struct modiso_region *region)
{
	int result;

	if (region == NULL)
		return 0;
	result = mdi_runtime_check();
	if (result != 0)
		return result;
	mdi_mark_region(region);
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

static struct modiso_module *public_owner(struct modiso_module *owner)
{
	return owner->domain.kind == MDI_DOMAIN_MODULE ? owner : NULL;
}

static int fill_region_info(const struct modiso_region *region,
			    struct modiso_region_info *info)
{
	struct modiso_region_info answer = {
		.access = region->access,
		.base = (void *)region->node.base,
		.length = region->node.end - region->node.base,
		.owner = public_owner(region->owner),
		.region = (struct modiso_region *)(uintptr_t)region,
		.flags = region->flags,
		.adopted = region->adopted,
		.shared = region->shared,
		.granted = (uint32_t)mdi_grant_list(region, NULL, 0),
	};

	memcpy(answer.name, region->name, sizeof(answer.name));
	mdi_info_give(info, &answer, sizeof(answer));
	return 0;
}

static int check_region_info(const struct modiso_region_info *info)
{
	int result = mdi_runtime_check();

	return result != 0 ? result
			   : mdi_info_check(info, MDI_SIZE_REGION_INFO, "info");
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
	mdi_check_mark(region->mark, MDI_MARK_REGION, /* AS-Safe */
		       "a region was used after modiso_region_destroy()");
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
