/* SPDX-License-Identifier: MIT */
/*
 * Page permissions: a domain is open to the whole process or to nobody.
 *
 * This file has the threads: who enters, leaves, waits and steps aside. What
 * is open meanwhile is mprotect_pages.c's.
 */
#include "backend/mprotect.h"

#include "backend/keeper.h"
#include "backend/mprotect_aside.h"
#include "backend/mprotect_pages.h"
#include "backend/mprotect_touch.h"
#include "backend/state.h"
#include "base/error.h"
#include "arch/cpu.h"
#include "os/critical.h"
#include "os/memory.h"
#include "os/misuse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct mdi_mprotect_state *const own = &mdi_backend_state.mprotect;

static const struct mdi_keeper_ops internal_ops = {
	.to_domain = mdi_pages_to_domain,
	.to_host = mdi_pages_to_host,
	.open = mdi_pages_reopen,
	.interrupt = mdi_aside_interrupt,
};

static const struct mdi_keeper_ops external_ops = {
	.external = true,
	.to_domain = mdi_pages_to_domain,
	.to_host = mdi_pages_to_host,
	.open = mdi_pages_reopen,
};

static bool stops_calls(char *why, size_t size)
{
	snprintf(why, size,
		 "the kernel's answer to them must lie in memory that modules "
		 "can read and not write, which takes protection keys");
	return false;
}

static int probe(struct modiso_backend_info *info)
{
	info->usable = 1;
	info->caps = MODISO_CAP_GUARD | MODISO_CAP_UNLIMITED;
	if (own->closed != 0) {
		info->caps |= MODISO_CAP_READONLY | MODISO_CAP_SEALED;
		(void)stops_calls(info->reason, sizeof(info->reason));
		return 0;
	}
	info->keys_total = 0;
	info->keys_free = 0;
	snprintf(info->reason, sizeof(info->reason),
		 "READONLY and SEALED need protection keys, as page "
		 "permissions are the same for every thread, or "
		 "modiso_options.closed");
	return 0;
}

static int start(const struct modiso_options *options)
{
	bool external = options->exclusion == MODISO_EXCLUSION_EXTERNAL;

	mdi_pages_start();
	mdi_curtain_start(options->closed & MODISO_CLOSED_STACKS);
	own->closed = options->closed;
	own->keys_off = !mdi_cpu()->ospke;
	own->runner = NULL;
	mdi_aside_start(NULL);
	mdi_open.state.signal_key = MDI_NO_KEY;
	mdi_keeper_start(external ? &external_ops : &internal_ops);
	return 0;
}

static void stop(void)
{
	own->runner = NULL;
	own->closed = 0;
}

/* A filter is host code. */
static bool inside(void)
{
	const struct mdi_thread *thread = mdi_thread_self();

	return mdi_pointer_is_modules() ||
	       (thread != NULL && mdi_thread_inside(thread) &&
		!thread->in_handler);
}

struct steady {
	int (*act)(void *arg);
	void *arg;
};

static int steady_locked(void *arg, bool entered)
{
	const struct steady *steady = arg;

	(void)entered;
	return steady->act(steady->arg);
}

static int steady(int (*act)(void *arg), void *arg)
{
	struct steady both = { act, arg };

	return mdi_aside_steady(steady_locked, &both);
}

static void gate(const struct mdi_domain *domain,
		 const struct mdi_gate_shape *shape,
		 struct mdi_gate_slot *slot)
{
	(void)domain;
	slot->inner = mdi_gate_plain_of(shape);
	slot->next = slot->inner;
}

static struct mdi_domain *entered_domain(const struct mdi_thread *thread)
{
	if (thread == NULL || !mdi_thread_inside(thread))
		return NULL;
	return (struct mdi_domain *)mdi_link_domain(
		mdi_frame_top(thread)->link);
}

static void after_fork(void)
{
	struct mdi_thread *self = mdi_thread_self();
	struct mdi_domain *domain = entered_domain(self);

	mdi_aside_run(domain ? self : NULL);
	mdi_aside_start(self);
	if (self != NULL)
		self->entered = domain != NULL;
	mdi_keeper_after_fork(domain, self ? self->held : 0);
	if (domain == NULL)
		mdi_pages_to_host();
}

/*
 * A window keeps modules out; its own thread steps back from all that it has
 * for the time of a gate call. A signal handler can come while the thread waits
 * for one of the two, so thread->held says how far it is. Signals are kept away
 * in these but where they wait.
 */
static int hold_windows(struct mdi_thread *thread, uint32_t count)
{
	int result;

	while (thread->held < count) {
		result = mdi_keeper_wish(
			MDI_WISH_HOLD,
			(void *)thread->windows[thread->held].domain,
			thread->held > 0);
		if (result != 0)
			return result;
		thread->held++;
	}
	return 0;
}

static void unhold_windows(struct mdi_thread *thread, uint32_t count)
{
	while (thread->held > count) {
		thread->held--;
		mdi_keeper_unhold();
	}
}

static MDI_RARE void hold_again(struct mdi_thread *thread, uint32_t count)
{
	int saved = errno;

	unhold_windows(thread, count);
	/* What cannot be opened now opens when it is touched: it is held. */
	while (hold_windows(thread, count) != 0) {
		(void)mdi_keeper_wish(MDI_WISH_HOLD, NULL, thread->held > 0);
		thread->held++;
	}
	errno = saved;
}

/* So many windows keep modules out, or all that there are. */
MDI_INLINE void hold(struct mdi_thread *thread, uint32_t count)
{
	if (count > thread->window_count)
		count = thread->window_count;
	if (thread->held != count)
		hold_again(thread, count);
}

/* Once, whoever comes in between: two signals may want it. */
void mdi_mprotect_leave(struct mdi_thread *thread)
{
	if (!__atomic_exchange_n(&thread->entered, 0, __ATOMIC_RELAXED))
		return;
	mdi_aside_stop(thread);
	mdi_keeper_leave();
	hold(thread, thread->window_count);
}

/*
 * A signal handler of the host interrupted a module and needs the host's
 * state: the thread steps out of the module for the handler's time. Another
 * handler must not find the one half done, and wait for its own thread.
 */
void mdi_mprotect_step_out(struct mdi_thread *thread)
{
	if (!thread->entered || mdi_thread_inside(thread))
		return;
	mdi_critical_begin();
	mdi_mprotect_leave(thread);
	mdi_critical_end();
}

/*
 * With external exclusion nobody waits, so a thread that comes while another
 * one is in a module would take the pages away under it, or open to it what is
 * the host's: the host has not kept its word.
 */
MDI_INLINE void check_alone(const struct mdi_thread *thread)
{
	const struct mdi_thread *other;

	if (!mdi_open.state.external)
		return;
	other = __atomic_load_n(&own->runner, __ATOMIC_RELAXED);
	if (other != NULL && other != thread && mdi_thread_inside(other))
		mdi_misuse("two threads run at a time: one is in a module, "
			   "another one enters a module or touches a region; "
			   "with MODISO_EXCLUSION_EXTERNAL the host freezes "
			   "the first and calls modiso_thread_preempt()");
}

static MDI_RARE void enter_failed(struct mdi_thread *thread, uint32_t held)
{
	int saved = errno;

	if (mdi_open.state.external)
		mdi_aside_end(thread);
	hold(thread, held);
	errno = saved;
}

static MDI_RARE int enter_from(struct mdi_domain *domain,
			       struct mdi_thread *thread)
{
	int result, saved = errno;
	uint32_t held;

	check_alone(thread);
	mdi_mprotect_step_out(thread);
	held = thread->held;
	unhold_windows(thread, 0);
	if (mdi_open.state.external)
		mdi_aside_begin(thread);
	result = mdi_keeper_enter(domain);
	if (result != 0)
		enter_failed(thread, held);
	else
		errno = saved;
	return result;
}

/* Mostly it has nothing that it would have to give up before. */
int mdi_mprotect_enter(struct mdi_domain *domain, struct mdi_thread *thread)
{
	int result = !mdi_open.state.external &&
				     (thread->entered | thread->held) == 0 ?
			     mdi_keeper_enter(domain) :
			     enter_from(domain, thread);

	if (result == 0)
		__atomic_store_n(&thread->entered, 1, __ATOMIC_RELAXED);
	return result;
}

/*
 * With external exclusion the host may freeze the thread in the handler and run
 * others, which open what they like: the module is entered again at its end.
 */
static bool is_confined(const struct mdi_frame *frame)
{
	const struct mdi_domain *domain = (void *)mdi_link_domain(frame->link);

	return domain->confinement != MODISO_CONFINE_GUARD;
}

static void interrupt(struct mdi_thread *thread, struct mdi_frame *frame,
		      struct mdi_kept *kept)
{
	kept->word[0] = thread->held;
	if (frame == NULL)
		return;
	if (mdi_open.state.external) {
		__atomic_store_n(&thread->entered, 0, __ATOMIC_RELAXED);
	} else if (is_confined(frame)) {
		/* Who comes meanwhile must not find the program's data open. */
		mdi_critical_begin();
		mdi_mprotect_leave(thread);
		mdi_critical_end();
	}
}

static int interrupt_end(struct mdi_thread *thread, struct mdi_frame *frame,
			 const struct mdi_kept *kept)
{
	if (frame == NULL)
		hold(thread, kept->word[0]);
	else if (!thread->entered)
		return mdi_mprotect_enter(
			(struct mdi_domain *)mdi_link_domain(frame->link),
			thread);
	return 0;
}

/* The stack waits for the next call; the GS base is the host's again. */
static void leave(struct mdi_thread *thread, const struct mdi_over *over)
{
	if (over->stack & 1)
		mdi_thread_link(thread, over->link)->stack =
			over->stack & ~1ull;
	if (mdi_has_block_base() && mdi_block_base() != over->block_base)
		mdi_block_base_set(over->block_base);
	mdi_mprotect_leave(thread);
}

static void preempt(struct mdi_thread *thread)
{
	mdi_aside_stop(thread);
}

/*
 * What a thread that was frozen in a handler finds in its module is seen to at
 * the handler's end (front/handler.c), on that thread. Host code finds the
 * host's regions open.
 */
static int resume_locked(void *arg, bool entered)
{
	const struct mdi_thread *thread = arg;
	int result = 0;

	(void)entered;
	mdi_pages_to_host();
	for (uint32_t i = 0; result == 0 && i < thread->window_count; i++)
		result = mdi_pages_open((void *)thread->windows[i].domain);
	return result;
}

static int resume(struct mdi_thread *thread)
{
	const struct mdi_frame *frame = mdi_frame_top(thread);

	check_alone(thread);
	if (frame != NULL && frame->service_sp == MDI_INTERRUPTED)
		return 0;
	if (mdi_thread_inside(thread)) {
		if (is_confined(frame))
			return mdi_fail(MODISO_ERR_STATE,
					"a thread is frozen in a module that "
					"is confined, and not in a signal "
					"handler: what the module must not "
					"reach cannot be closed by another "
					"thread");
		mdi_aside_run(thread);
		return mdi_keeper_wish(MDI_WISH_ENTER, entered_domain(thread),
				       false);
	}
	return mdi_keeper_locked(resume_locked, thread);
}

static int window_open(struct mdi_domain *domain, struct mdi_thread *thread,
		       uint32_t prot)
{
	(void)domain;
	(void)prot;
	check_alone(thread);
	mdi_mprotect_step_out(thread);
	return hold_windows(thread, thread->window_count + 1);
}

static void window_close(struct mdi_domain *domain, struct mdi_thread *thread,
			 uint32_t token)
{
	(void)domain;
	(void)token;
	unhold_windows(thread, thread->window_count);
}

/* By the frames of the thread: they say when a handler of the host runs. */
static struct mdi_domain *culprit(struct mdi_thread *thread,
				  struct mdi_context *context,
				  const uint32_t *rights)
{
	(void)context;
	(void)rights;
	return entered_domain(thread);
}

/* What the gates' own functions in C may use of the host's stack, and more. */
#define GATE_STACK 65536

/*
 * The way in and out is C code on the host's stack, right below the call. A
 * module that points its stack there is taken for it, as long as it does. In a
 * gate that runs on another stack the frame is whole, so that one need not be
 * told from one that a module has jumped to.
 */
static bool in_module(const struct mdi_thread *thread,
		      struct mdi_context *context)
{
	return !mdi_critical_now() &&
	       mdi_frame_top(thread)->sp - mdi_context_sp(context) >=
		       GATE_STACK;
}

static void recover(struct mdi_thread *thread, struct mdi_context *context)
{
	(void)thread;
	if (own->keys_off)
		mdi_context_drop_fpu(context);
}

static uint32_t expected(const struct mdi_domain *domain, uint32_t access,
			 int *key)
{
	*key = MDI_NO_KEY;
	return domain->open ? access & domain->opened : 0;
}

static void describe(const struct mdi_domain *domain, char *text, size_t size)
{
	snprintf(text, size, "%s", domain->open ? "open" : "closed");
}

static const struct mdi_process_rights process = {
	.steady = steady,
	.forbid = mdi_pages_forbid,
	.before_fork = mdi_touch_before_fork,
	.after_fork_parent = mdi_touch_after_fork_parent,
	.preempt = preempt,
	.resume = resume,
	.attach = mdi_aside_attach,
	.detach = mdi_aside_detach,
	.stand_aside = mdi_aside_stand,
	.cover = mdi_curtain_cover,
	.covers = mdi_curtain_holds,
	.lift = mdi_touch_lift,
	.lower = mdi_curtain_lower,
};

const struct mdi_backend mdi_backend_mprotect = {
	.id = MODISO_BACKEND_MPROTECT,
	.name = "mprotect",
	.asked = true,
	.probe = probe,
	.start = start,
	.stop = stop,
	.syscalls = stops_calls,
	.entries = &mdi_entries_plain,
	.service_thunks = { mdi_service_thunks_plain,
			    mdi_service_thunks_plain_rec },
	.process = &process,
	.inside = inside,
	.fiber_switch = mdi_fiber_switch_plain,
	.domain_init = mdi_pages_domain_init,
	.domain_fini = mdi_pages_domain_fini,
	.protect = mdi_pages_protect,
	.release = mdi_pages_release,
	.remap_rights = mdi_pages_remap_rights,
	.discard = mdi_pages_discard,
	.move = mdi_pages_move,
	.retire = mdi_pages_retire,
	.expected = expected,
	.describe = describe,
	.gate = gate,
	.after_fork = after_fork,
	.interrupt = interrupt,
	.interrupt_end = interrupt_end,
	.leave = leave,
	.window_open = window_open,
	.window_close = window_close,
	.culprit = culprit,
	.in_module = in_module,
	.permit = mdi_pages_permit,
	.host_fault = mdi_touch_fault,
	.recover = recover,
};
