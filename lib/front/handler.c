/* SPDX-License-Identifier: MIT */
/*
 * The kernel starts every handler with key 0 open and all else closed, on the
 * alternate stack if SA_ONSTACK says so. Neither fits a handler of the host
 * that interrupts a module: guarded memory is closed to it, the module's stack
 * too, and what it does counts as the module's doing. So the kernel calls
 * mdi_async_pkey or _plain (signal.S) for every signal that has a handler, and
 * that comes here, with host rights on the alternate stack.
 */
#include "front/handler.h"

#include "base/error.h"
#include "front/altstack.h"
#include "front/front.h"
#include "core/entries.h"
#include "core/frames.h"
#include "core/gate.h"
#include "core/guard.h"
#include "core/limit.h"
#include "front/state.h"
#include "core/region.h"
#include "core/runtime.h"
#include "core/schedule.h"
#include "core/thread.h"
#include "core/unmark.h"
#include "os/critical.h"
#include "os/libc.h"
#include "os/linux/actions.h"
#include "os/linux/signal.h"
#include "os/linux/sys.h"
#include "os/memory.h"
#include "os/misuse.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define SIGSETXID 33 /* the C library's, for setuid(3) in all threads */
#define SIGCANCEL 32 /* the C library's, for pthread_cancel(3) */

/* What the gates' own functions in C may use of a stack, and more. */
#define GATE_STACK 65536

static struct mdi_front_state *const own = &mdi_front_state;

static void (*entry(void))(int, siginfo_t *, void *)
{
	return mdi_backend_now->entries->other;
}

/*
 * The kernel's action that stands in front of @action. Its flags, and who does
 * what they ask for:
 *
 *	SA_NOCLDSTOP SA_NOCLDWAIT   the kernel, whatever the handler is; for
 *	                            others than SIGCHLD see mdi_action_tag()
 *	SA_RESTART                  the kernel, at the interrupted call
 *	SA_NODEFER                  set_mask(); the kernel's comes to nothing;
 *	                            for SIGCHLD see mdi_action_tag()
 *	SA_SIGINFO SA_ONSTACK       the entry needs them
 *	SA_RESETHAND                mdi_action_take(): the kernel would do it
 *	                            before a signal can be kept for later
 *	SA_RESTORER                 the library's own
 *
 * Others, of later kernels, go through.
 */
static struct mdi_sigaction in_front(int signo,
				     const struct mdi_sigaction *action)
{
	struct mdi_sigaction front = *action;

	front.handler = entry();
	front.flags |= SA_SIGINFO | SA_ONSTACK | MDI_SA_RESTORER;
	front.flags &= ~(unsigned long)SA_RESETHAND;
	front.flags &= ~mdi_action_tag_bits(signo);
	front.flags |= mdi_action_tag(signo);
	front.mask |= mdi_entry_mask();
	front.restorer = mdi_signal_restorer;
	return front;
}

/* The lock of the actions is held. */
static int exchange(int signo, const struct mdi_sigaction *action,
		    struct mdi_sigaction *old)
{
	struct mdi_sigaction was, wish, front;

	mdi_action_get(signo, &was);
	if (action == NULL) {
		if (mdi_sys_sigaction(signo, NULL, old) != 0)
			return -1;
	} else {
		wish = *action;
		/* Somebody got the entry from the kernel, and puts it back. */
		if (action->handler == entry()) {
			mdi_action_seen(signo, action);
			mdi_action_get(signo, &wish);
		}
		front = mdi_action_has_handler(&wish) ? in_front(signo, &wish) :
							wish;
		mdi_action_put(signo, &wish);
		if (mdi_sys_sigaction(signo, &front, old) != 0) {
			mdi_action_put(signo, &was);
			return -1;
		}
	}
	if (old->handler == entry())
		*old = was;
	return 0;
}

int mdi_handler_set(int signo, const struct mdi_sigaction *action,
		    struct mdi_sigaction *old)
{
	struct mdi_sigaction before;
	uint64_t mask = mdi_actions_lock();
	int result = 0;

	if (!mdi_signals_running())
		result = mdi_sys_sigaction(signo, action, &before);
	else if (mdi_signal_is_fault(signo))
		mdi_signal_chain(signo, action, &before);
	else
		result = exchange(signo, action, &before);
	mdi_actions_unlock(mask);
	if (result == 0 && old != NULL)
		*old = before;
	return result;
}

/* The lock of the actions is held. */
static int adopt(int signo)
{
	struct mdi_sigaction now, asked, front;

	if (mdi_sys_sigaction(signo, NULL, &now) != 0)
		return -1;
	if (now.handler == entry())
		mdi_action_seen(signo, &now);
	if (!mdi_action_has_handler(&now) || now.handler == entry())
		return 0;
	mdi_action_get(signo, &asked);
	mdi_action_came(signo, &now, mdi_action_has_handler(&asked));
	front = in_front(signo, &now);
	return mdi_sys_sigaction(signo, &front, NULL);
}

int mdi_handlers_adopt(void)
{
	int signo, result = mdi_signals_retake();
	uint64_t mask;

	if (result != 0)
		return result;
	mask = mdi_actions_lock();
	for (signo = 1; signo < MDI_SIGNALS && result == 0; signo++)
		if (!mdi_signal_is_fault(signo) && signo != SIGKILL &&
		    signo != SIGSTOP)
			result = adopt(signo);
	mdi_actions_unlock(mask);
	return result == 0 ? 0 :
			     mdi_fail_os("rt_sigaction", "signal %d",
					 signo - 1);
}

static bool covers(int signo)
{
	struct mdi_sigaction now;

	return mdi_sys_sigaction(signo, NULL, &now) == 0 &&
	       now.handler == entry();
}

static void *wait_for_it(void *unused)
{
	for (;;)
		pause();
	return unused;
}

/*
 * The C library cancels by a signal, whose handler it installs at its first
 * cancellation: too late to stand in front of it. The handler would run in a
 * module, as the module, and leave the thread without its alternate stack. So
 * the first one of all meets a thread of our own.
 */
static void meet_first(void)
{
	pthread_t first;
	int state;

	/* pthread_cancel(3) is no cancellation point, pthread_join(3) is. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	mdi_lock(&own->cancel);
	if ((!covers(SIGCANCEL) || !covers(SIGSETXID)) &&
	    pthread_create(&first, NULL, wait_for_it, NULL) == 0) {
		mdi_libc_cancel(first);
		pthread_join(first, NULL);
		mdi_runtime_lock();
		(void)!mdi_handlers_adopt(); /* it asks for nothing new */
		mdi_runtime_unlock();
	}
	mdi_unlock(&own->cancel);
	pthread_setcancelstate(state, NULL);
}

/* Its 33, for setuid(3), comes with its first thread: that of meet_first(). */
void mdi_handlers_meet(void)
{
	int saved = errno;

	if (!covers(SIGCANCEL) || !covers(SIGSETXID))
		meet_first();
	errno = saved;
}

void mdi_handlers_after_fork(void)
{
	own->cancel = (struct mdi_lock){ 0 };
}

void mdi_cancel_begins(void)
{
	const struct mdi_backend *backend = mdi_backend_running();

	if (backend != NULL && !backend->inside())
		mdi_handlers_meet();
}

void mdi_handlers_stop(void)
{
	mdi_signals_stop(entry());
}

/* --- in the handler --- */

/*
 * What a handler must leave as it was. It may have come in the middle of
 * anything but a critical section: a gate may have written the open page and
 * not come further; a fault may be recorded and not be told yet; a call's
 * status may be set and not be taken.
 */
struct interruption {
	struct mdi_frame *frame; /* NULL: no module was interrupted */
	/*
	 * Where the thread is by its own word. A fault signal that was sent may
	 * have met it half way to another fiber: core/fiber.c.
	 */
	const struct mdi_thread *self;
	struct mdi_frame_words words;
	struct mdi_kept kept;
	struct mdi_guard_kept guard;
	struct mdi_frames_kept free;
	uint64_t stack; /* that the frame's link held */
	uint32_t in_handler;
	int32_t fault_status;
	int call_status;
	struct mdi_error error;
	struct modiso_fault fault;
};

/* The calling thread's own words, attached or not. */
static void save_words(struct interruption *at)
{
	at->call_status = mdi_status_take();
	mdi_error_save(&at->error);
}

static void restore_words(const struct interruption *at)
{
	mdi_status_set(at->call_status);
	mdi_error_restore(&at->error);
}

/* Where the interrupted gate was called. */
static uintptr_t called_at(const struct mdi_thread *thread,
			   const struct mdi_frame *frame, ucontext_t *context)
{
	uintptr_t sp = mdi_frames_unwritten(thread, mdi_context_of(context));

	return sp != 0 ? sp : frame->sp;
}

/* Where the host's code was. */
static uintptr_t host_sp(const struct interruption *at,
			 const ucontext_t *context)
{
	return at->frame != NULL ? mdi_frame_called_at(at->frame) :
				   mdi_interrupted_sp(context);
}

static void begin(struct mdi_thread *thread, ucontext_t *context,
		  struct interruption *at)
{
	struct mdi_link *link;

	at->self = mdi_thread_self();
	at->in_handler = thread->in_handler;
	at->fault_status = thread->status;
	at->fault = thread->fault;
	thread->in_handler = 0; /* a filter outside of a fault handler */
	thread->status = 0;
	mdi_frames_keep(thread, mdi_interrupted_sp(context), &at->free);
	at->frame = mdi_thread_inside(thread) ? mdi_frame_top(thread) : NULL;
	if (at->frame != NULL) {
		/* Its stack is in use: a gate call takes another one. */
		link = mdi_thread_link(thread, at->frame->link);
		at->stack = link->stack;
		link->stack = 0;
		mdi_guard_keep(thread, &at->guard);
		mdi_frames_interrupt(at->frame, context,
				     called_at(thread, at->frame, context),
				     &at->words);
	}
	/* Behind it: from here on another handler leaves the frame alone. */
	mdi_backend_now->interrupt(thread, at->frame, &at->kept);
}

static void end(struct mdi_thread *thread, const struct interruption *at)
{
	/* The handler may have gone on on another thread. */
	if (at->frame != NULL)
		mdi_frames_returned_to(mdi_thread_self(), at->frame);
	else if (at->self != mdi_thread_self())
		mdi_frames_switched();
	mdi_frames_put_back(thread, &at->free);
	mdi_critical_begin();
	thread->fault = at->fault;
	thread->status = at->fault_status;
	thread->in_handler = at->in_handler;
	if (mdi_backend_now->interrupt_end(thread, at->frame, &at->kept) != 0)
		mdi_misuse("mprotect(2) would not open a module again after a "
			   "signal handler");
	if (at->frame != NULL) {
		mdi_frames_interrupt_end(at->frame, &at->words);
		mdi_guard_put_back(thread, &at->guard);
	}
	mdi_critical_end();
	/* Last: a handler must not find the stack free, and use it. */
	if (at->frame != NULL && !mdi_limit_knows(thread))
		mdi_thread_link(thread, at->frame->link)->stack = at->stack;
}

/*
 * A cancellation in the middle of a gate is not acted upon: what must be given
 * back is not yet taken, or half given back. The thread meets it at its next
 * cancellation point.
 */
static bool too_early(int signo, const ucontext_t *context,
		      const struct mdi_thread *thread)
{
	uintptr_t sp = mdi_interrupted_sp(context);

	if (signo != SIGCANCEL)
		return false;
	if (mdi_is_gate_code(mdi_interrupted_pc(context)))
		return true;
	/* The gate's own C code, on the host's stack right below the call. */
	return mdi_thread_inside(thread) &&
	       mdi_frame_top(thread)->sp - sp < GATE_STACK;
}

static bool call_foreign(int signo, siginfo_t *info, ucontext_t *context,
			 const struct mdi_sigaction *action)
{
	struct interruption at;
	bool outer;

	save_words(&at);
	outer = mdi_altstack_foreign_begin();
	mdi_signal_mask(signo, action, context);
	action->handler(signo, info, context);
	mdi_altstack_foreign_end(outer, context);
	restore_words(&at);
	return false;
}

/*
 * Is it the outermost handler, whose mask is the module's? A module can point
 * its stack pointer to where handlers run.
 */
static bool is_outermost(const struct interruption *at, ucontext_t *context,
			 const struct mdi_thread *thread)
{
	return (at->frame != NULL &&
		mdi_backend_now->in_module(thread, mdi_context_of(context))) ||
	       !mdi_altstack_holds(thread, mdi_interrupted_sp(context));
}

/*
 * Where no stack is left for another handler it has to wait. So has the same
 * signal, a fault's as well: those that are sent would fill the stack.
 */
static void hold_others(int signo, const struct mdi_sigaction *action)
{
	uint64_t mask = ~mdi_fault_mask();

	if (!(action->flags & SA_NODEFER))
		mask |= mdi_signal_bit(signo);
	mdi_sys_sigmask(SIG_SETMASK, mask, NULL);
}

bool mdi_handler_call(int signo, siginfo_t *info, ucontext_t *context,
		      const struct mdi_sigaction *action,
		      struct mdi_thread *thread)
{
	struct interruption at;
	struct mdi_turn turn;

	save_words(&at);
	begin(thread, context, &at);
	mdi_altstack_begin(thread, context, host_sp(&at, context),
			   action->flags, &turn);
	if (!turn.last)
		mdi_signal_mask(signo, action, context);
	else
		hold_others(signo, action);
	mdi_altstack_call(&turn, action->handler, signo, info, context);
	mdi_altstack_end(thread, &turn);
	if (thread->abandoned && is_outermost(&at, context, thread)) {
		if (mdi_thread_take_out(thread,
					mdi_context_of(context)))
			return false;
		at.stack = 0; /* the gate under way asks, and gives up */
	}
	end(thread, &at);
	restore_words(&at);
	return true;
}

static bool call_handler(int signo, siginfo_t *info, ucontext_t *context,
			 struct mdi_thread *thread,
			 const struct mdi_sigaction *action)
{
	return thread != NULL ?
		       mdi_handler_call(signo, info, context, action, thread) :
		       call_foreign(signo, info, context, action);
}

/* mdi_action_take(), for a signal that has just come. */
static bool taken(int signo, struct mdi_sigaction *action, bool front)
{
	mdi_action_look(signo,
			front ? entry() : mdi_backend_now->entries->fault);
	return mdi_action_take(signo, action, front);
}

uintptr_t mdi_host_signal(int signo, void *info, void *frame,
			  struct mdi_thread *thread)
{
	struct mdi_sigaction action;
	ucontext_t *context = frame;
	bool strayed, goes_on = true;
	uint32_t lifted = 0;
	uintptr_t way;
	int saved;

	/* Where it is critical nothing of the program's is touched. */
	if (!mdi_critical_now())
		lifted = mdi_backend_lift();

	/* A handler that was left by a jump has had its frames here. */
	mdi_unmark_below((uintptr_t)__builtin_frame_address(0));
	strayed = false;
	saved = errno;
	mdi_signal_returned(signo, info);
	if (thread == NULL)
		thread = mdi_altstack_thread(context, &strayed);
	mdi_guard_settle(thread, mdi_context_of(context));
	if (mdi_critical_defer(signo, info, &context->uc_sigmask) ||
	    (thread != NULL && too_early(signo, context, thread)))
		goes_on = true;
	else if (taken(signo, &action, true))
		goes_on = call_handler(signo, info, context, thread, &action);
	else if (action.handler == NULL)
		mdi_action_default(signo, info); /* no handler's any more */
	if (strayed)
		mdi_altstack_back(thread, context);
	errno = saved;
	way = goes_on ? mdi_guard_way(thread, mdi_context_of(context)) :
			MDI_WAY_OTHER;
	if (goes_on)
		mdi_backend_lower(lifted);
	return way;
}

bool mdi_host_fault(int signo, siginfo_t *info, ucontext_t *context,
		    struct mdi_thread *thread)
{
	struct mdi_sigaction action;

	if (taken(signo, &action, false))
		return call_handler(signo, info, context, thread, &action);
	/* The kernel does not let a fault be ignored either. */
	if (action.handler == NULL || info->si_code > 0)
		mdi_signal_default(signo, info);
	return true;
}
