/* SPDX-License-Identifier: MIT */
/* The exported functions of modiso/thread.h. */
#include <modiso.h>

#include "backend/select.h"
#include "base/error.h"
#include "base/options.h"
#include "core/check.h"
#include "core/gate.h"
#include "core/runtime.h"
#include "core/schedule.h"
#include "core/thread.h"

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
		result = mdi_thread_stopped(thread);
	if (result == 0)
		mdi_backend_preempt(thread);
	return result;
}

int modiso_thread_resume(struct modiso_thread *handle)
{
	struct mdi_thread *thread = NULL;
	int result = check_thread(handle, true, &thread);

	return result != 0 ? result : mdi_backend_resume(thread);
}

int modiso_thread_enter(struct modiso_gate *gate, const uintptr_t *args,
			unsigned count, modiso_ended_fn ended, void *arg)
{
	uintptr_t words[MODISO_WORDS_MAX];
	int result = mdi_check_call(gate, args, count, words);

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
