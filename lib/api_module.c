/* SPDX-License-Identifier: MIT */
/* The exported functions of modiso/module.h. */
#include <modiso.h>

#include "backend/select.h"
#include "base/error.h"
#include "base/options.h"
#include "base/settings.h"
#include "code/image.h"
#include "core/check.h"
#include "core/frames.h"
#include "core/gadget.h"
#include "front/front.h"
#include "core/module.h"
#include "core/permit.h"
#include "core/picture.h"
#include "core/runtime.h"
#include "core/sizes.h"
#include "core/thread.h"

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
				"options.confinement is %u, which is no "
				"confinement level",
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

static int check_syscalls(const struct modiso_module_options *options)
{
	char why[MODISO_REASON_SIZE];

	if (options->syscalls > MODISO_SYSCALLS_LOG)
		return mdi_fail(MODISO_ERR_INVAL,
				"options.syscalls is %u, which is no enum "
				"modiso_syscalls",
				options->syscalls);
	if (options->syscalls == MODISO_SYSCALLS_OPEN)
		return 0;
	if (options->flags & MODISO_MODULE_PERMISSIVE)
		return mdi_fail(MODISO_ERR_INVAL,
				"a permissive module is watched and not "
				"stopped: options.syscalls must be OPEN");
	if (mdi_backend_now->syscalls(why, sizeof(why)))
		return 0;
	return mdi_fail(MODISO_ERR_NOTSUP,
			"system calls of modules cannot be stopped: %s", why);
}

int modiso_module_create(const char *name,
			 const struct modiso_module_options *options,
			 struct modiso_module **out)
{
	struct modiso_module_options known = { .struct_size = sizeof(known) };
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	result = mdi_check_name(name, "name");
	if (result == 0 && out == NULL)
		result = mdi_null_argument("out");
	if (result == 0)
		result = mdi_options_take(options, MDI_SIZE_MODULE_OPTIONS,
					  &known, sizeof(known), "options");
	if (result == 0)
		result = mdi_options_flags(known.flags,
					   MODISO_MODULE_WALL_TIME |
						   MODISO_MODULE_PERMISSIVE,
					   "options.flags");
	if (result == 0)
		result = mdi_options_flags(known.unused, 0,
					   "options.unused");
	if (result == 0 && known.flags & MODISO_MODULE_WALL_TIME &&
	    known.time_limit_ms == 0)
		result = mdi_fail(MODISO_ERR_INVAL,
				  "MODISO_MODULE_WALL_TIME says how "
				  "options.time_limit_ms is counted, which "
				  "is 0");
	if (mdi_settings()->permissive)
		known.flags |= MODISO_MODULE_PERMISSIVE;
	if (result == 0)
		result = check_confinement(&known);
	if (result == 0)
		result = check_syscalls(&known);
	if (result != 0)
		return result;
	if (known.syscalls != MODISO_SYSCALLS_OPEN)
		mdi_handlers_meet();
	mdi_runtime_lock();
	result = mdi_front_now->adopt();
	if (result == 0 && known.syscalls != MODISO_SYSCALLS_OPEN &&
	    known.confinement != MODISO_CONFINE_GUARD)
		result = mdi_gadgets_remove();
	if (result == 0)
		result = mdi_module_create(name, &known, MDI_DOMAIN_MODULE,
					   out);
	mdi_runtime_unlock();
	return result;
}

int modiso_module_destroy(struct modiso_module *module)
{
	struct modiso_image *images = NULL;
	int result;

	if (module == NULL)
		return 0;
	result = mdi_runtime_check();
	if (result != 0)
		return result;
	mdi_mark_module(module);
	if (module->permissive)
		mdi_permit_settle(); /* with its images the names go */
	mdi_picture_last();
	mdi_runtime_lock();
	result = mdi_module_destroy(module);
	if (result == 0)
		images = mdi_images_take(module);
	mdi_runtime_unlock();
	mdi_images_end(images);
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
	return mdi_frames_module();
}
