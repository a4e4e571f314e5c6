/* SPDX-License-Identifier: MIT */
/* The exported functions of modiso/fiber.h. */
#include <modiso.h>

#include "base/error.h"
#include "base/options.h"
#include "core/check.h"
#include "core/fiber.h"
#include "core/runtime.h"
#include "front/front.h"

/* A handle is the fiber's own record. */
MDI_INLINE struct mdi_thread *of_handle(struct modiso_fiber *handle)
{
	struct mdi_thread *fiber = (struct mdi_thread *)handle;

	mdi_check_mark(fiber->mark, MDI_MARK_FIBER,
		       "a fiber was used after modiso_fiber_destroy()");
	return fiber;
}

int modiso_fiber_create(struct modiso_fiber **out)
{
	struct mdi_thread *fiber;
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (out == NULL)
		return mdi_null_argument("out");
	mdi_runtime_lock();
	result = mdi_fiber_create(&fiber);
	mdi_runtime_unlock();
	if (result == 0)
		*out = (struct modiso_fiber *)fiber;
	return result;
}

int modiso_fiber_destroy(struct modiso_fiber *fiber)
{
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (fiber == NULL)
		return mdi_null_argument("fiber");
	mdi_runtime_lock();
	result = mdi_fiber_destroy(of_handle(fiber));
	mdi_runtime_unlock();
	return result;
}

/* Whatever arch/ does not do by itself: all that is refused, among others. */
static int switch_carefully(struct mdi_thread *to)
{
	struct mdi_thread *thread;
	int result = mdi_runtime_check();

	if (result == 0)
		result = mdi_thread_attach(&thread);
	if (result != 0)
		return result;
	if (to != NULL)
		to = of_handle((struct modiso_fiber *)to);
	mdi_mask_needed(to != NULL ? to : thread->host);
	return mdi_fiber_switch(to);
}

int modiso_fiber_switch(struct modiso_fiber *to)
{
	struct mdi_thread *fiber = (struct mdi_thread *)to;
	const struct mdi_backend *backend = mdi_backend_running();

	return backend != NULL ?
		       backend->fiber_switch(fiber, switch_carefully) :
		       switch_carefully(fiber);
}
