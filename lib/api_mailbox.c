/* SPDX-License-Identifier: MIT */
/* The exported functions of modiso/mailbox.h. */
#include <modiso.h>

#include "base/error.h"
#include "base/options.h"
#include "core/check.h"
#include "core/mailbox.h"
#include "core/range.h"

/*
 * The calling thread's where it is surely there, in few instructions: a thread
 * that is in no gate runs the host's code. NULL: look again, with care.
 */
MDI_INLINE struct mdi_stack *ready(const struct modiso_module *module)
{
	const struct mdi_thread *thread = mdi_thread_self();

	if (module == NULL || thread == NULL || mdi_backend_running() == NULL ||
	    (mdi_frame_top(thread) != NULL && !mdi_backend_surely_host()) ||
	    module->mark != MDI_MARK_MODULE)
		return NULL;
	return mdi_mailbox_find(module);
}

/* 0 and NULL: the module is one, and this thread has no mailbox in it. */
static MDI_RARE int find(const struct modiso_module *module,
			 struct mdi_stack **out)
{
	int result = mdi_check_module(module);

	*out = result == 0 ? mdi_mailbox_find(module) : NULL;
	return result;
}

/* In this order on one thread: a handler that comes in between gives back. */
static void set_top(struct mdi_stack *box, uintptr_t top)
{
	__atomic_store_n(&box->top, top, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static int no_room(const struct modiso_module *module,
		   const struct mdi_stack *box, size_t length)
{
	return mdi_fail(MODISO_ERR_LIMIT,
			"no room for %zu bytes in this thread's mailbox in "
			"module %s (%zu of %zu bytes are free); raise "
			"modiso_module_options.mailbox_size, or call "
			"modiso_mailbox_reset()",
			length, module->name,
			(size_t)(box->region->node.end - box->top),
			module->mail_size);
}

int modiso_mailbox_put(struct modiso_module *module, const void *from,
		       size_t length, void **out)
{
	struct mdi_stack *box = ready(module);
	uintptr_t at;
	int result = box == NULL ? find(module, &box) : 0;

	if (result == 0 && out == NULL)
		result = mdi_null_argument("out");
	if (result == 0 && box == NULL)
		result = mdi_mailbox_make(module, &box);
	if (result != 0)
		return result;
	at = box->top;
	if (length > box->region->node.end - at)
		return no_room(module, box, length);
	/* It ends at a page's end, so there is room for that. */
	set_top(box, (at + length + MDI_MAIL_ALIGN - 1) &
			     ~(uintptr_t)(MDI_MAIL_ALIGN - 1));
	if (from != NULL)
		result = mdi_range_copy((void *)at, from, length, (void *)at);
	if (result == 0)
		*out = (void *)at;
	else
		set_top(box, at);
	return result;
}

int modiso_mailbox_get(struct modiso_module *module, void *to, const void *from,
		       size_t length)
{
	uintptr_t at = (uintptr_t)from;
	struct mdi_stack *box = ready(module);
	int result = box == NULL ? find(module, &box) : 0;

	if (result == 0 && to == NULL && length != 0)
		result = mdi_null_argument("to");
	if (result != 0)
		return result;
	if (box == NULL || at < box->region->node.base || at > box->top ||
	    length > box->top - at)
		return mdi_fail(MODISO_ERR_ACCESS,
				"%zu bytes at %p are not in what this thread "
				"has put into its mailbox in module %s",
				length, from, module->name);
	return mdi_range_copy(to, from, length, from);
}

int modiso_mailbox_reset(struct modiso_module *module, void *first)
{
	uintptr_t at = (uintptr_t)first;
	struct mdi_stack *box = ready(module);
	int result = box == NULL ? find(module, &box) : 0;

	if (result != 0 || first == NULL)
		return result;
	if (box == NULL || at < box->region->node.base || at > box->top ||
	    at % MDI_MAIL_ALIGN != 0)
		return mdi_fail(MODISO_ERR_INVAL,
				"%p is no address that this thread has got "
				"from modiso_mailbox_put() for module %s",
				first, module->name);
	set_top(box, at);
	return 0;
}
