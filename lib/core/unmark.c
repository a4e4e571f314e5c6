/* SPDX-License-Identifier: MIT */
#include "core/unmark.h"

#include "core/region.h"
#include "core/thread.h"

/* As much of a stack may hold what frames that were left have marked. */
#define BELOW ((uintptr_t)64 * 1024)
/* More than that below its gate is another stack than the host's. */
#define HOST_STACK_MAX ((uintptr_t)8 << 20)

/* NULL in programs without AddressSanitizer. */
void __asan_unpoison_memory_region(void const volatile *base, size_t size)
	__attribute__((weak));

static void unmark(uintptr_t base, uintptr_t end)
{
	__asan_unpoison_memory_region((void *)base, end - base);
}

void mdi_unmark_stack(uintptr_t sp)
{
	const struct modiso_region *stack;

	if (__asan_unpoison_memory_region == NULL)
		return;
	stack = mdi_region_at(sp);
	if (stack != NULL && stack->stack)
		unmark(stack->node.base, stack->node.end);
}

void mdi_unmark_below(uintptr_t sp)
{
	if (__asan_unpoison_memory_region != NULL)
		unmark(sp - BELOW, sp);
}

void mdi_unmark_host(const struct mdi_frame *frame, uintptr_t sp)
{
	if (__asan_unpoison_memory_region != NULL && sp < frame->sp &&
	    frame->sp - sp < HOST_STACK_MAX)
		unmark(sp, frame->sp);
}

void mdi_unmark_all(const struct mdi_thread *thread, uintptr_t sp)
{
	uintptr_t host = mdi_thread_frames(thread)->sp;
	const struct mdi_stack *stack;

	if (__asan_unpoison_memory_region == NULL)
		return;
	for (stack = thread->stacks; stack != NULL; stack = stack->next)
		unmark(stack->region->node.base, stack->top);
	if (sp < host && host - sp < HOST_STACK_MAX)
		unmark(sp, host);
}
