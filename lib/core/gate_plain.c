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

/*
 * A thread of the host's, and the top of a stack for it; or a code. They come
 * back in registers: of a variable that has an address the compiler would guard
 * the stack, at each call.
 */
struct caller {
	struct mdi_thread *thread;
	int result;
};

struct top {
	uintptr_t top; /* and 1: it comes from the link, as frame->stack */
	int result;
};

static MDI_RARE struct caller enter_front(void)
{
	struct caller caller;
	int saved = errno;

	caller.result = mdi_front_now->enter(&caller.thread);
	if (caller.result == 0)
		errno = saved;
	return caller;
}

/* May this thread call a plain gate at all? */
MDI_INLINE struct caller plain_caller(void)
{
	struct caller caller = { NULL, 0 };

	if (mdi_ready != MDI_UNATTACHED)
		caller.thread = mdi_block_thread((char *)mdi_ready);
	else
		caller = enter_front();
	if (caller.result != 0)
		return caller;
	if (mdi_thread_inside(caller.thread))
		caller.result = mdi_fail(
			MODISO_ERR_STATE,
			"a gate was called from inside a module, or by a "
			"signal handler that interrupted one");
	else if (caller.thread->frame ==
		 mdi_thread_frames(caller.thread) + MDI_DEPTH_MAX)
		caller.result = mdi_gate_fail_depth();
	return caller;
}

static MDI_RARE struct top fresh_stack(struct mdi_thread *thread,
				       struct modiso_module *module)
{
	struct mdi_stack *stack;
	struct top top = { 0, 0 };
	int saved = errno;

	mdi_runtime_lock();
	top.result = mdi_thread_stack(thread, module, &stack);
	mdi_runtime_unlock();
	if (top.result != 0)
		return top;
	errno = saved;
	top.top = stack->top | (stack->rank == 0);
	return top;
}

/* The stack that waits in the thread's link, or another one. */
MDI_INLINE struct top plain_stack(struct mdi_thread *thread,
				  struct modiso_module *module)
{
	uintptr_t waits =
		mdi_thread_link(thread, module->domain.head.link)->stack;
	struct top top = { waits | 1, 0 };

	return waits != 0 ? top : fresh_stack(thread, module);
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

/*
 * What is rare keeps errno by itself where it does not fail: the C library of
 * Windows is asked for the place of it, at each use.
 */
MODISO_CALL struct mdi_frame *mdi_plain_enter(struct mdi_gate_slot *slot,
					      const uint64_t *saved_registers)
{
	struct mdi_domain *domain = (struct mdi_domain *)slot->domain;
	struct caller caller;
	struct mdi_thread *thread;
	struct mdi_frame *frame;
	struct top top = { 0, 0 };
	int result;

	caller = plain_caller();
	thread = caller.thread;
	result = caller.result;
	if (result == 0) {
		top = plain_stack(thread, mdi_domain_module(domain));
		result = top.result;
	}
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
	mdi_fpu_control(&frame->mxcsr, &frame->x87_control);
	frame->stack = top.top;
	if (mdi_has_block_base())
		frame->block_base = mdi_block_base();
	mdi_frames_push(thread, domain); /* from here on a fault is its own */
	mdi_critical_end();
	result = mdi_mprotect_close(domain);
	if (result != 0) {
		mdi_gate_abandon(thread);
		mdi_gate_failed(result);
		return NULL;
	}
	return frame;
}

MODISO_CALL void mdi_plain_leave(struct mdi_thread *thread)
{
	mdi_curtain_open();
	mdi_selectors_reload(thread);
	mdi_gate_abandon(thread);
}
