/* SPDX-License-Identifier: MIT */
/*
 * Taking a thread out of its modules. The thread does it itself: at the end of
 * the handler that it is frozen in, or in the service that asks for it. All its
 * gates but the first are dropped, and that one ends like one whose module has
 * faulted (mdi_gate_recover).
 *
 * A thread that is in none may be on its way into one: nobody can know which
 * gate call its host code is about to make. So what it is asked for holds for
 * the next one, which finds no link, and then the request (mdi_thread_is_over).
 */
#include "core/schedule.h"

#include "base/error.h"
#include "core/frames.h"
#include "core/front.h"
#include "core/gate.h"
#include "core/region.h"
#include "core/state.h"
#include "core/unmark.h"
#include "os/critical.h"

#include <pthread.h>

int mdi_thread_enter(struct modiso_gate *gate, const uintptr_t *words,
		     modiso_ended_fn ended, void *arg)
{
	const struct mdi_thread *self = mdi_thread_self();
	uintptr_t value = 0;
	int status;

	if (self != NULL && mdi_frame_top(self) != NULL)
		return mdi_fail(MODISO_ERR_STATE,
				"this thread is in a service of a module; "
				"modiso_thread_enter() is for threads that are "
				"in none");
	status = mdi_gate_call(gate, words, &value);
	if (ended != NULL)
		ended(status, value, arg);
	for (;;)
		pthread_exit(NULL); /* not each header says that it ends here */
}

int mdi_thread_stopped(const struct mdi_thread *thread)
{
	if (thread == mdi_thread_self() ||
	    !mdi_critical_of(thread->thread_pointer, thread->tid))
		return 0;
	return mdi_fail(MODISO_ERR_BUSY,
			"thread %d was stopped in the middle of the library, "
			"or on its way there; let it go on for a moment, and "
			"stop it again",
			thread->tid);
}

/* All gates but the first one are over. */
static void drop_gates(struct mdi_thread *thread)
{
	struct mdi_frame *first = mdi_thread_frames(thread), *frame;

	for (frame = first; frame < thread->frame; frame++) {
		const struct mdi_domain *domain =
			mdi_frame_domain(frame);

		/* The next call finds the stack in the thread's list. */
		if (domain != NULL)
			mdi_thread_link(thread, domain->head.link)->stack = 0;
	}
	mdi_frames_drop(thread);
}

int mdi_thread_abandon(struct mdi_thread *thread, modiso_abandoned_fn landing,
		       void *arg)
{
	const struct mdi_frame *top = mdi_frame_top(thread);
	bool own = thread == mdi_thread_self();
	int result = mdi_thread_stopped(thread);

	if (result != 0)
		return result;
	if (top == NULL && own) {
		thread->abandoned = 0;
		return mdi_fail(MODISO_ERR_NOENT,
				"thread %d is in no module", thread->tid);
	}
	if (__atomic_load_n(&thread->host, __ATOMIC_RELAXED) == NULL)
		return mdi_fail(MODISO_ERR_NOENT,
				"no thread runs this fiber; "
				"modiso_fiber_destroy() ends its calls");
	thread->landing = landing;
	thread->landing_arg = arg;
	__atomic_store_n(&thread->abandoned,
			 top != NULL ? MDI_ABANDON_CALL : MDI_ABANDON_NEXT,
			 __ATOMIC_RELEASE);
	if (top == NULL)
		mdi_thread_withdraw(thread);
	else if (!own && mdi_front_now->take_out != NULL)
		return mdi_front_now->take_out(thread);
	if (!own || top->service_sp <= MDI_INTERRUPTED)
		return 0;
	mdi_unmark_all(thread, (uintptr_t)__builtin_frame_address(0));
	mdi_critical_begin(); /* no handler finds the frames half dropped */
	drop_gates(thread);
	mdi_critical_end();
	mdi_gate_unwind(mdi_thread_block(thread),
			mdi_thread_frames(thread)->sp);
}

/* Is there no way back in the frame that is to be gone by? */
static bool half_taken(const struct mdi_thread *thread,
		       struct mdi_context *context)
{
	return thread->frame == mdi_thread_frames(thread) + 1 &&
	       mdi_frames_unwritten(thread, context) != 0;
}

bool mdi_thread_take_out(struct mdi_thread *thread, struct mdi_context *context)
{
	if (mdi_frame_top(thread) == NULL) {
		/* Of a call: it came out by itself. */
		if (thread->abandoned == MDI_ABANDON_CALL)
			thread->abandoned = 0;
		return false;
	}
	/* It has gone on as a fiber since, and still owes its next call. */
	if (thread->abandoned == MDI_ABANDON_NEXT)
		return false;
	if (half_taken(thread, context))
		return false;
	mdi_unmark_all(thread, mdi_context_sp(context));
	drop_gates(thread);
	mdi_context_redirect(context, (void *)(uintptr_t)mdi_gate_recover,
			     mdi_thread_frames(thread)->sp,
			     (uintptr_t)mdi_thread_block(thread));
	mdi_backend_now->recover(thread, context);
	return true;
}

/* The last word is the library's: the landing may have called gates. */
static void tell(struct mdi_thread *thread)
{
	modiso_abandoned_fn landing = thread->landing;

	thread->abandoned = 0;
	if (landing != NULL)
		landing(thread->landing_arg);
	mdi_status_set(mdi_fail(MODISO_ERR_ABANDONED,
				"modiso_thread_abandon() took thread %d out of "
				"its module",
				thread->tid));
}

void mdi_thread_landed(struct mdi_thread *thread)
{
	mdi_gate_abandon(thread);
	tell(thread);
}

bool mdi_thread_is_out(void)
{
	return mdi_frame_top(mdi_thread_self()) == NULL;
}

void mdi_thread_give_up(struct mdi_thread *thread)
{
	tell(thread);
}
