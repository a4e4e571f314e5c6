/* SPDX-License-Identifier: MIT */
/*
 * What gate_plain.S asks on the way into a module and out: the gates of the
 * mprotect backend. They run on the host's stack.
 */
#include "core/gate.h"

#include "backend/mprotect.h"
#include "base/error.h"
#include "core/front.h"
#include "core/state.h"
#include "core/entries.h"
#include "core/frames.h"
#include "core/limit.h"
#include "core/runtime.h"
#include "core/schedule.h"
#include "core/thread.h"
#include "os/critical.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* May this thread call a plain gate at all? */
static int plain_ready(struct mdi_thread **out)
{
	struct mdi_thread *thread;
	int result;

	if (mdi_ready != MDI_UNATTACHED) {
		thread = mdi_block_thread((char *)mdi_ready);
	} else {
		result = mdi_front_now->enter(&thread);
		if (result != 0)
			return result;
	}
	if (mdi_thread_inside(thread))
		return mdi_fail(MODISO_ERR_STATE,
				"a gate was called from inside a module, or by "
				"a signal handler that interrupted one");
	if (thread->frame == mdi_thread_frames(thread) + MDI_DEPTH_MAX)
		return mdi_gate_fail_depth();
	*out = thread;
	return 0;
}

/* The stack that waits in the thread's link, or another one. */
static int plain_stack(struct mdi_thread *thread, struct modiso_module *module,
		       uintptr_t *top, bool *from_link)
{
	const struct mdi_link *link =
		mdi_thread_link(thread, module->domain.head.link);
	struct mdi_stack *stack;
	int result;

	*top = link->stack;
	*from_link = true;
	if (*top != 0)
		return 0;
	mdi_runtime_lock();
	result = mdi_thread_stack(thread, module, &stack);
	mdi_runtime_unlock();
	if (result != 0)
		return result;
	*top = stack->top;
	*from_link = stack->rank == 0;
	return 0;
}

/* Handlers run only while it waits in line. */
static int plain_open(struct mdi_thread *thread, struct mdi_domain *domain)
{
	int result = MODISO_ERR_ABANDONED;

	if (mdi_thread_is_over(thread))
		return result;
	result = mdi_mprotect_enter(domain, thread);
	if (result == 0 && mdi_thread_is_over(thread)) {
		mdi_mprotect_leave(thread);
		result = MODISO_ERR_ABANDONED;
	}
	return result;
}

struct mdi_frame *mdi_plain_enter(struct mdi_gate_slot *slot,
				  const uint64_t *saved_registers)
{
	struct mdi_domain *domain = (struct mdi_domain *)slot->domain;
	struct mdi_thread *thread = NULL;
	struct mdi_frame *frame;
	uintptr_t top = 0;
	bool from_link = false;
	int saved = errno, result;

	result = plain_ready(&thread);
	if (result == 0)
		result = plain_stack(thread, mdi_domain_module(domain), &top,
				     &from_link);
	if (result == 0)
		result = mdi_limit_entered(thread);
	/* No handler may find the module entered and the frame not there. */
	mdi_critical_begin();
	if (result == 0)
		result = plain_open(thread, domain);
	if (result != 0) {
		mdi_critical_end();
		mdi_gate_failed(result);
		return NULL;
	}
	mdi_thread_link(thread, domain->head.link)->stack = 0;
	frame = thread->frame;
	memcpy(frame, saved_registers, offsetof(struct mdi_frame, sp));
	frame->sp = (uintptr_t)saved_registers + PLAIN_SAVED;
	mdi_fpu_control(&frame->mxcsr, &frame->x87.control);
	frame->stack = top | from_link;
	if (mdi_has_block_base())
		frame->block_base = mdi_block_base();
	mdi_frames_push(thread, domain); /* from here on a fault is its own */
	mdi_critical_end();
	errno = saved;
	result = mdi_mprotect_close(domain);
	if (result != 0) {
		mdi_gate_abandon(thread);
		mdi_gate_failed(result);
		return NULL;
	}
	return frame;
}

void mdi_plain_leave(struct mdi_thread *thread)
{
	mdi_mprotect_open();
	mdi_selectors_reload(thread);
	mdi_gate_abandon(thread);
}
