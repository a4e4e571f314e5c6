/* SPDX-License-Identifier: MIT */
#include "core/libc.h"

#include "core/files.h"
#include "core/frames.h"
#include "core/heap.h"
#include "core/policy.h"
#include "core/range.h"
#include "os/calls.h"

#include <errno.h>
#include <modiso/region.h>

#define TEXT_MAX 1024

/* --- the preset --- */

static intptr_t give_pages(struct modiso_module *module, size_t length,
			   bool zero)
{
	size_t bytes;
	void *block;

	if (module->heap == NULL || !mdi_page_round(length, &bytes) ||
	    mdi_heap_alloc(module, bytes, MDI_PAGE_SIZE, zero, &block) != 0)
		return -ENOMEM;
	return (intptr_t)block;
}

/* Whole blocks alone. */
static intptr_t take_pages(struct modiso_module *module, uintptr_t at)
{
	if (module->heap == NULL || mdi_heap_give(module, (void *)at) != 0)
		return -EINVAL;
	return 0;
}

/* Of more than there is room for, a part: as write(2) may. */
static intptr_t tell(struct modiso_module *module, const uintptr_t args[])
{
	size_t length = args[2] < TEXT_MAX ? args[2] : TEXT_MAX;
	const void *from = (const void *)args[1];
	char text[TEXT_MAX];

	if (mdi_range_reach(module, args[1], length, MODISO_READ) != length ||
	    mdi_range_copy(text, from, length, from) != 0)
		return -EFAULT;
	if (module->text != NULL && length > 0)
		module->text(module, (int)args[0], text, length,
			     module->text_arg);
	return (intptr_t)length;
}

static intptr_t by_preset(const struct modiso_syscall *call)
{
	const struct mdi_call_shape *shape;
	intptr_t result;

	switch (mdi_call_wish(call->number, call->args)) {
	case MDI_CALL_WISH_PAGES:
		return give_pages(call->module, call->args[1], true);
	/* All that was in the heap was the module's before. */
	case MDI_CALL_WISH_PAGES_AS_THEY_ARE:
		return give_pages(call->module, call->args[1], false);
	case MDI_CALL_WISH_FEWER:
		return take_pages(call->module, call->args[0]);
	case MDI_CALL_WISH_TEXT:
		return tell(call->module, call->args);
	case MDI_CALL_WISH_NONE:
		break;
	}
	if (mdi_files_serve(call, &result))
		return result;
	shape = mdi_call_shape(call->number);
	return shape != NULL && shape->computes ?
		       mdi_policy_make(call->module, call->number, call->args) :
		       -MDI_CALL_NONE;
}

/* --- the service --- */

MODISO_CALL static intptr_t libc_call(uintptr_t number, uintptr_t a,
				      uintptr_t b, uintptr_t c, uintptr_t d,
				      uintptr_t e)
{
	struct modiso_syscall call = {
		.struct_size = sizeof(call),
		.number = (uint32_t)number,
		.arch = MODISO_ARCH_LIBC,
		.args = {a, b, c, d, e, 0},
		.module = mdi_frames_module(),
	};
	const struct mdi_rule *rule;
	int saved = errno;
	intptr_t result;

	if (call.module == NULL || number >= MDI_CALL_TABLE)
		return -MDI_CALL_NONE;
	rule = mdi_policy_rule(call.module, MODISO_ARCH_LIBC, call.number);
	if (rule == NULL)
		result = by_preset(&call);
	else if (rule->action == MDI_ACTION_CALLBACK)
		result = rule->callback(&call, rule->arg);
	else if (rule->action == MODISO_SYSCALL_ALLOW)
		result = mdi_policy_make(call.module, call.number, call.args);
	else
		result = -rule->error;
	errno = saved;
	return result;
}

modiso_fn mdi_libc_function(void)
{
	return (modiso_fn)libc_call;
}
