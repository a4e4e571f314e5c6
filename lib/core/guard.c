/* SPDX-License-Identifier: MIT */
#include "core/guard.h"

#include "base/error.h"
#include "core/fault.h"
#include "core/front.h"
#include "core/frames.h"
#include "core/gadget.h"
#include "core/thread.h"
#include "os/dispatch.h"
#include "os/memory.h"
#include "os/misuse.h"

#include <errno.h>

/* By its own block: no other one is gone by into guarded modules. */
static int arm(struct mdi_thread *thread)
{
	return mdi_dispatch_on(&mdi_thread_open_page(thread)->selector);
}

/* Where the kernel's frames are copied to: closed to modules. */
static int commit(struct mdi_thread *host)
{
	char *room = mdi_thread_block(host) + T_RESUME;

	if (mdi_mem_protect(room, T_RESUME_SIZE,
			    MDI_PROT_READ | MDI_PROT_WRITE) != 0)
		return mdi_fail_os("mprotect", "a guarded thread's state");
	return mdi_backend_protect_own(mdi_backend_now, room, T_RESUME_SIZE,
				       MDI_OWN_CLOSED);
}

int mdi_guard_arm(struct mdi_thread *thread, const struct mdi_domain *domain)
{
	int saved = errno, result;

	if (!domain->guarded)
		return 0;
	if (domain->confinement != MODISO_CONFINE_GUARD) {
		result = mdi_gadgets_look_again();
		if (result != 0)
			return result;
	}
	if (thread->armed != 0)
		return 0;
	/* Another thread that runs the fiber later would not be armed. */
	if (thread != thread->host)
		return mdi_fail(MODISO_ERR_STATE,
				"this thread runs a fiber; a module whose "
				"system calls are stopped is entered by a "
				"thread itself");
	/* A handler that is none of ours cannot end on an armed thread. */
	result = mdi_front_now->adopt();
	if (result == 0)
		result = commit(thread);
	if (result == 0 && arm(thread) != 0)
		result = mdi_fail_os("prctl",
				     "PR_SET_SYSCALL_USER_DISPATCH, for a "
				     "thread that enters a guarded module");
	if (result != 0)
		return result;
	thread->armed = 1;
	errno = saved;
	return 0;
}

void mdi_guard_disarm(struct mdi_thread *thread)
{
	if (thread->armed == 0)
		return;
	mdi_dispatch_off();
	thread->armed = 0;
}

void mdi_guard_after_fork(struct mdi_thread *host)
{
	if (host->armed != 0 && arm(host) != 0)
		mdi_misuse("the kernel does not guard this thread's system "
			   "calls in the child of a fork (prctl(2), "
			   "PR_SET_SYSCALL_USER_DISPATCH)");
}

/*
 * What mdi_resume() takes from the innermost module's memory: of a guarded one,
 * above the first frame of the thread's first stack there. Nested calls have
 * other stacks and the same words: one at a time needs them.
 */
static struct mdi_resume_words *words_of(const struct mdi_thread *thread)
{
	const struct mdi_frame *top = mdi_frame_top(thread);
	const struct mdi_stack *stack;

	if (thread->armed == 0 || !mdi_thread_inside(thread) ||
	    !mdi_frame_domain(top)->guarded)
		return NULL;
	stack = *mdi_thread_first_stack(thread, top->link);
	return stack != NULL ? (void *)stack->top : NULL;
}

void mdi_guard_settle(struct mdi_thread *thread, struct mdi_context *context)
{
	const struct mdi_resume_words *words =
		thread != NULL ? words_of(thread) : NULL;

	if (words != NULL)
		mdi_context_settle(context, thread, words,
				   mdi_open.state.rights_offset);
}

uintptr_t mdi_guard_way(struct mdi_thread *thread, struct mdi_context *context)
{
	uintptr_t way;

	if (thread == NULL || mdi_backend_now->way == NULL)
		return MDI_WAY_BACK;
	mdi_guard_settle(thread, context);
	way = mdi_backend_now->way(thread, context, words_of(thread));
	if (way == MDI_WAY_OTHER)
		mdi_fault_stranded(thread, context);
	return way;
}

void mdi_guard_keep(const struct mdi_thread *thread,
		    struct mdi_guard_kept *kept)
{
	kept->from = words_of(thread);
	if (kept->from == NULL)
		return;
	kept->words = *kept->from;
	kept->resume = mdi_thread_open_page(thread)->resume;
}

void mdi_guard_put_back(const struct mdi_thread *thread,
			const struct mdi_guard_kept *kept)
{
	if (kept->from == NULL)
		return;
	*kept->from = kept->words;
	mdi_thread_open_page(thread)->resume = kept->resume;
}
