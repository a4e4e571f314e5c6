/* SPDX-License-Identifier: MIT */
/*
 * A switch that nothing stands in the way of is done by arch/x86_64/fiber.S,
 * in the same steps. This is for all others: what is refused, a thread that is
 * in a handler on a stack of the program's own, keys that are not all ours.
 *
 * A fiber has a block, as a thread has: its own frames, links and stacks. A
 * thread that switches goes by another block from then on, and all that gates
 * ask is true of that one: GS and the thread-local word name it, it names this
 * thread's FS base, and the host's rights are this thread's. No frame is moved,
 * so what a service has pushed on the host's stack stays right, on whichever
 * thread it returns. Gates know nothing of fibers.
 *
 * What is the thread's alone stays in its own block: the alternate stacks, by
 * which a signal entry finds that block, and from there the current one.
 *
 *	1  to->host := this thread, if it was nobody's
 *	2  to: FS base, thread id, the host's rights, selectors
 *	3  own block's current := to	from here on a signal entry finds it
 *	4  GS base := to
 *	5  mdi_here := to		for gates and C, in one store
 *	6  from->host := NULL		if it is a fiber: others may take it
 *
 * Handlers of the host are kept for later between 3 and 5. A handler that was
 * passed a fault signal that somebody has sent is not: it finds 3 and not yet
 * 5, and a gate goes to C and is refused; who the thread was by 5 it must be
 * at the handler's end (front/handler.c). 1 takes and 6 gives, so what one
 * thread has written to a fiber's block is there for the next.
 */
#include "core/fiber.h"

#include "base/error.h"
#include "core/frames.h"
#include "os/critical.h"

#include <string.h>

int mdi_fiber_create(struct mdi_thread **out)
{
	return mdi_thread_new_fiber(out);
}

/* False: a thread runs it. */
static bool claim(struct mdi_thread *fiber, struct mdi_thread *host)
{
	struct mdi_thread *nobody = NULL;

	return __atomic_compare_exchange_n(&fiber->host, &nobody, host, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static MDI_RARE int fail_running(void)
{
	return mdi_fail(MODISO_ERR_BUSY, "a thread runs this fiber");
}

int mdi_fiber_destroy(struct mdi_thread *fiber)
{
	if (!claim(fiber, fiber))
		return fail_running();
	mdi_frames_start(fiber);
	mdi_thread_end_fiber(fiber);
	return 0;
}

/* Is it host code in a service, or outside of all modules? */
static MDI_RARE int fail_switch(const struct mdi_thread *thread)
{
	if (thread->window_count != 0)
		return mdi_fail(MODISO_ERR_BUSY,
				"this thread has a window open");
	return mdi_fail(MODISO_ERR_STATE,
			"a fiber was switched by a signal handler that has "
			"interrupted a module");
}

MDI_INLINE bool may_switch(const struct mdi_thread *thread)
{
	const struct mdi_frame *top = mdi_frame_top(thread);

	return thread->window_count == 0 &&
	       (top == NULL || top->service_sp > MDI_INTERRUPTED);
}

MDI_INLINE void make_ready(struct mdi_thread *to, const struct mdi_thread *from)
{
	struct mdi_open_page *page = mdi_thread_open_page(to);

	to->thread_pointer = from->thread_pointer;
	page->thread_pointer = from->thread_pointer;
	to->tid = from->tid;
	to->host_rights = from->host_rights;
	page->host_rights = from->host_rights;
	memcpy(to->selectors, from->selectors, sizeof(to->selectors));
	memcpy(page->selectors, from->selectors, sizeof(page->selectors));
}

/* With page permissions GS is the program's own, and each thread's another. */
static MDI_RARE void change_thread(struct mdi_thread *to)
{
	struct mdi_frame *frame = mdi_thread_frames(to);

	for (; mdi_has_block_base() && frame < to->frame; frame++)
		frame->block_base = mdi_block_base();
}

/*
 * Frozen in host code, the thread was told not to begin its next call: that is
 * the thread's affair, whatever it goes by when it calls.
 */
MDI_INLINE void take_along(struct mdi_thread *to, struct mdi_thread *from)
{
	if (from->abandoned != MDI_ABANDON_NEXT)
		return;
	from->abandoned = 0;
	to->landing = from->landing;
	to->landing_arg = from->landing_arg;
	to->abandoned = MDI_ABANDON_NEXT;
	mdi_thread_withdraw(to);
}

MDI_INLINE void go_by(struct mdi_thread *to, struct mdi_thread *from)
{
	uintptr_t block = (uintptr_t)mdi_thread_block(to);
	struct mdi_thread *host = from->host;

	mdi_critical_begin();
	take_along(to, from);
	host->current = (char *)block;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (mdi_has_block_base() && mdi_block_base() == mdi_block)
		mdi_block_base_set(block);
	/* The alternate stack stays armed, or not. */
	mdi_here_set(mdi_ready == mdi_block ? block : mdi_ready, block);
	mdi_critical_end();
}

int mdi_fiber_switch(struct mdi_thread *to)
{
	struct mdi_thread *from = mdi_thread_self(), *host = from->host;

	if (to == NULL)
		to = host;
	if (to == from)
		return 0;
	if (!may_switch(from))
		return fail_switch(from);
	if (to != host && !claim(to, host))
		return fail_running();
	if (to->tid != from->tid)
		change_thread(to);
	make_ready(to, from);
	go_by(to, from);
	if (from != host)
		__atomic_store_n(&from->host, NULL, __ATOMIC_RELEASE);
	return 0;
}
