/* SPDX-License-Identifier: MIT */
/* The exported functions of modiso/fault.h. */
#include <modiso.h>

#include "base/error.h"
#include "base/options.h"
#include "core/check.h"
#include "core/fault.h"
#include "core/notify.h"
#include "core/runtime.h"
#include "core/sizes.h"
#include "core/thread.h"

int modiso_fault_notify(struct modiso_module *module, modiso_filter_fn filter,
			modiso_landing_fn landing, void *arg)
{
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (module != NULL)
		mdi_mark_module(module);
	mdi_runtime_lock();
	mdi_notify_set(module, filter, landing, arg);
	mdi_runtime_unlock();
	return 0;
}

int modiso_fault_last(struct modiso_fault *fault)
{
	const struct mdi_thread *thread = mdi_thread_self();
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	result = mdi_info_check(fault, MDI_SIZE_FAULT, "fault");
	if (result != 0)
		return result;
	if (thread == NULL || mdi_fault_counter == 0)
		return mdi_fail(MODISO_ERR_NOENT,
				"no module has faulted on this thread");
	mdi_info_give(fault, &thread->fault, sizeof(thread->fault));
	return 0;
}

uint64_t modiso_fault_count(void)
{
	return mdi_fault_counter;
}
