/* SPDX-License-Identifier: MIT */
/* The exported functions of modiso/fault.h. */
#include <modiso.h>

#include "base/error.h"
#include "core/check.h"
#include "core/fault.h"
#include "core/runtime.h"
#include "core/thread.h"

#include <string.h>

int modiso_fault_notify(struct modiso_module *module, modiso_filter_fn filter,
			modiso_landing_fn landing, void *arg)
{
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (module != NULL)
		mdi_mark_module(module);
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
