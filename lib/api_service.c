/* SPDX-License-Identifier: MIT */
/* The exported functions of modiso/service.h. */
#include <modiso.h>

#include "base/error.h"
#include "base/options.h"
#include "core/check.h"
#include "core/fault.h"
#include "core/front.h"
#include "core/runtime.h"
#include "core/service.h"
#include "core/sizes.h"

int modiso_service_create(const char *name, modiso_fn function,
			  const struct modiso_service_options *options,
			  struct modiso_service **out)
{
	struct modiso_service_options known = { .struct_size = sizeof(known) };
	int result = mdi_runtime_check();

	if (result == 0)
		result = mdi_check_name(name, "name");
	if (result != 0)
		return result;
	if (function == NULL || out == NULL)
		return mdi_null_argument(function == NULL ? "function" : "out");
	result = mdi_options_take(options, MDI_SIZE_SERVICE_OPTIONS, &known,
				  sizeof(known), "options");
	if (result == 0)
		result = mdi_options_flags(known.flags,
					   MODISO_SERVICE_LISTED |
						   MODISO_SERVICE_FLOAT |
						   MODISO_SERVICE_VARIADIC,
					   "options.flags");
	if (result == 0)
		result = mdi_options_flags(known.pointers,
					   (1u << MODISO_ARGS_MAX) - 1,
					   "options.pointers");
	if (result == 0 && known.word_args > MODISO_WORDS_MAX)
		result = mdi_fail(MODISO_ERR_INVAL,
				  "%u word arguments: at most %d pass a service",
				  known.word_args, MODISO_WORDS_MAX);
	if (result == 0 && known.flags & MODISO_SERVICE_VARIADIC &&
	    (known.flags & MODISO_SERVICE_FLOAT ||
	     known.word_args > MODISO_ARGS_MAX))
		result = mdi_fail(MODISO_ERR_INVAL,
				  "a variadic service has an integer or "
				  "pointer as its result, and takes its words "
				  "from modiso_argument_word()");
	if (result == 0)
		result = mdi_front_now->retake();
	if (result != 0)
		return result;
	mdi_runtime_lock();
	result = mdi_service_create(name, function, &known, out);
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
	mdi_mark_service(service);
	mdi_mark_module(module);
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

int modiso_service_fail(uint32_t kind, uintptr_t detail)
{
	struct mdi_thread *thread = mdi_thread_self();
	const struct mdi_frame *frame = thread ? mdi_frame_top(thread) : NULL;
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (kind != MODISO_FAULT_ACCESS && kind != MODISO_FAULT_EXIT &&
	    kind != MODISO_FAULT_ABORT)
		return mdi_fail(MODISO_ERR_INVAL,
				"kind is %u, not MODISO_FAULT_ACCESS, _EXIT or "
				"_ABORT",
				kind);
	if (frame == NULL || frame->service_sp <= MDI_INTERRUPTED)
		return mdi_fail(MODISO_ERR_STATE,
				"this thread is in no service of a module");
	mdi_fault_in_service(thread, kind, detail);
}

int modiso_service_destroy(struct modiso_service *service)
{
	int result;

	if (service == NULL)
		return 0;
	result = mdi_runtime_check();
	if (result != 0)
		return result;
	mdi_mark_service(service);
	mdi_runtime_lock();
	mdi_service_destroy(service);
	mdi_runtime_unlock();
	return 0;
}
