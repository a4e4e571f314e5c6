/* SPDX-License-Identifier: MIT */
#include "front/altstack.h"

#include "backend/backend.h"
#include "base/error.h"
#include "core/runtime.h"
#include "core/thread.h"
#include "front/mask.h"
#include "os/linux/signal.h"
#include "os/memory.h"
#include "os/process.h"

#include <errno.h>
#include <signal.h>

#define PART ((size_t)MDI_ALTSTACK_PART)
#define ROOM (PART - MDI_PAGE_SIZE)
#define ALL  ((1u << MDI_ALTSTACK_PARTS) - 1)

/* Below what a function may keep under its stack pointer. */
#define RED_ZONE 128

static char *stacks_of(uint32_t index)
{
	return mdi_arch_state.altstacks + (size_t)index * MDI_ALTSTACK_SIZE;
}

/* The usable part of one of them: above its guard page. */
static char *part_base(uint32_t index, unsigned part)
{
	return stacks_of(index) + part * PART + MDI_PAGE_SIZE;
}

int mdi_altstacks_protect(uint32_t index)
{
	int result = 0;

	for (unsigned part = 0; part < MDI_ALTSTACK_PARTS && result == 0;
	     part++)
		result = mdi_backend_protect_altstack(
			part_base(index, part), ROOM);
	return result;
}

/*
 * For each stack that a handler can begin on, so also where none is ours. Once:
 * a thread may have loaded one, and be about to compare it.
 */
int mdi_altstacks_start(void)
{
	uint64_t tokens[64];

	if (mdi_arrivals.of[MDI_ARRIVALS - 1].token != 0)
		return 0;
	for (size_t i = 0; i < MDI_ARRIVALS; i++) {
		if (i % MDI_COUNT(tokens) == 0 &&
		    mdi_os_random(tokens, sizeof(tokens)) != 0)
			return mdi_fail_os("getrandom", "tokens of signal "
							"stacks");
		mdi_arrivals.of[i].token = tokens[i % MDI_COUNT(tokens)] | 1;
	}
	return 0;
}

int mdi_altstacks_commit(uint32_t index)
{
	for (unsigned part = 0; part < MDI_ALTSTACK_PARTS; part++)
		if (mdi_mem_protect(part_base(index, part), ROOM,
				    MDI_PROT_READ | MDI_PROT_WRITE) != 0)
			return mdi_fail_os("mprotect", "a signal stack");
	return mdi_altstacks_protect(index);
}

void mdi_altstacks_uncommit(uint32_t index)
{
	mdi_mem_decommit(stacks_of(index), MDI_ALTSTACK_SIZE);
}

/* --- where is this? --- */

/*
 * The stacks are the thread's, whichever fiber it runs: all that is noted of
 * them is in its own block. @thread is the block that it goes by.
 */

/* As a bit; 0: on none of the library's stacks. */
static uint32_t part_at(const struct mdi_thread *thread, uintptr_t sp)
{
	uintptr_t offset = sp - (uintptr_t)stacks_of(thread->host->index);

	return offset < MDI_ALTSTACK_SIZE ? 1u << offset / PART : 0;
}

static bool has_own(const struct mdi_thread *thread)
{
	return !(thread->host->old_altstack_flags & SS_DISABLE);
}

static bool on_own(const struct mdi_thread *thread, uintptr_t sp)
{
	const struct mdi_thread *host = thread->host;

	return has_own(host) &&
	       sp - (uintptr_t)host->old_altstack < host->old_altstack_size;
}

bool mdi_altstack_is_ours(const struct mdi_thread *thread, uintptr_t sp)
{
	return part_at(thread, sp) != 0;
}

bool mdi_altstack_holds(const struct mdi_thread *thread, uintptr_t sp)
{
	return part_at(thread, sp) != 0 || on_own(thread, sp);
}

/* Does a gate call under way come from a handler? */
static bool gate_from_handler(const struct mdi_thread *thread)
{
	/* Or one that lies below the fiber. */
	if (thread != thread->host && gate_from_handler(thread->host))
		return true;

	const struct mdi_frame *frame = mdi_thread_frames(thread);

	for (; frame < thread->frame; frame++)
		if (mdi_altstack_holds(thread, frame->sp))
			return true;
	return false;
}

/* --- which stack is the kernel's --- */

/*
 * A handler that calls a gate can be interrupted in the module, on yet another
 * stack: so the thread keeps a list of those that are in use. A handler's own
 * stays on it at its end, until the kernel has taken it back: before that two
 * signals can come at once, and of the second nobody could tell what lies under
 * the first. It is the stack that is armed next, so this keeps none from use. A
 * handler that was left by siglongjmp(3) has not taken off those above it; the
 * list is empty again when neither the interrupted code nor a gate's caller is
 * on any. Returns those that are idle.
 */
static uint32_t note_used(struct mdi_thread *thread, uintptr_t interrupted_sp)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	struct mdi_thread *host = thread->host;

	if (!mdi_altstack_holds(host, interrupted_sp) &&
	    !gate_from_handler(thread))
		host->altstacks = 0;
	host->altstacks |= part_at(host, interrupted_sp) | part_at(host, here);
	return ALL & ~host->altstacks;
}

static char *first_of(const struct mdi_thread *thread, uint32_t parts)
{
	return part_base(thread->host->index, (unsigned)__builtin_ctz(parts));
}

/*
 * The kernel gets the program's own. One that is to be disarmed while a handler
 * runs on it (SS_AUTODISARM) is: a handler is about to.
 */
static void arm_own(const struct mdi_thread *thread)
{
	const struct mdi_thread *host = thread->host;
	bool disarmed = host->old_altstack_flags & MDI_SS_AUTODISARM;

	mdi_altstack_restore(host->old_altstack, host->old_altstack_size,
			     disarmed ? (uint32_t)SS_DISABLE :
					host->old_altstack_flags);
	mdi_ready = MDI_UNATTACHED;
}

static void keep_own(struct mdi_thread *thread, void *base, size_t size,
		     uint32_t flags)
{
	struct mdi_thread *host = thread->host;

	host->old_altstack = base;
	host->old_altstack_size = size;
	host->old_altstack_flags = size != 0 ? flags & ~(uint32_t)SS_ONSTACK :
					       (uint32_t)SS_DISABLE;
}

static MDI_TLS bool foreign; /* mdi_altstack_foreign_end() follows */

int mdi_altstack_attach(struct mdi_thread *thread)
{
	void *base = NULL;
	size_t size = 0;
	uint32_t flags = 0;
	int result;

	/*
	 * Nobody has arrived there yet. A thread that fork(3) left in its
	 * parent, on its way, would vouch for this one for ever.
	 */
	mdi_arrival_at((uintptr_t)stacks_of(thread->index))->count = 0;
	result = mdi_altstack_set(part_base(thread->index, 0), ROOM, &base,
				  &size, &flags,
				  foreign ? mdi_altstack_from : NULL);
	if (result == 0)
		keep_own(thread, base, size, flags);
	return result;
}

void mdi_altstack_detach(struct mdi_thread *thread)
{
	mdi_altstack_restore(thread->old_altstack, thread->old_altstack_size,
			     thread->old_altstack_flags);
}

/* From wherever this runs, the program's own alternate stack included. */
static int arm_ours(const struct mdi_thread *thread, uint32_t idle)
{
	uint32_t flags;
	size_t size;
	void *base;

	return mdi_altstack_set(first_of(thread, idle), ROOM, &base, &size,
				&flags, mdi_altstack_from);
}

static int make_ready(struct mdi_thread *thread)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	uint32_t idle = note_used(thread, here);
	int saved = errno, result;

	if (idle == 0)
		return mdi_fail(MODISO_ERR_LIMIT,
				"signal handlers nest too deep on this thread "
				"for another gate call");
	result = mdi_mask_check();
	if (result == 0)
		result = arm_ours(thread, idle);
	if (result != 0)
		return result;
	errno = saved;
	mdi_ready = (uintptr_t)mdi_thread_block(thread);
	return 0;
}

int mdi_altstack_enter(struct mdi_thread **out)
{
	int result = mdi_thread_attach(out);

	return result == 0 && mdi_ready == MDI_UNATTACHED ? make_ready(*out) :
							    result;
}

/* --- in handlers --- */

struct mdi_thread *mdi_altstack_thread(const ucontext_t *context, bool *strayed)
{
	const stack_t *own = &context->uc_stack;
	struct mdi_thread *thread = mdi_thread_self();

	*strayed = false;
	/* Before the first system call; it has interrupted a guarded module. */
	if (thread != NULL)
		mdi_thread_open_page(thread)->selector = MDI_SELECTOR_ALLOW;
	/* A process that shares the memory, by vfork(2), is not this thread. */
	if (thread == NULL || thread->tid != mdi_os_thread_id())
		return NULL;
	/* The entry did not know the thread; its module may have lost it. */
	if (mdi_thread_inside(thread) && mdi_has_block_base())
		mdi_block_base_set(mdi_block);
	if (mdi_ready == MDI_UNATTACHED)
		return thread;
	/* The program has told the kernel by itself. */
	*strayed = true;
	keep_own(thread, own->ss_sp, own->ss_size, (uint32_t)own->ss_flags);
	mdi_ready = MDI_UNATTACHED;
	return thread;
}

void mdi_altstack_back(struct mdi_thread *thread, ucontext_t *context)
{
	uint32_t idle = note_used(thread, mdi_interrupted_sp(context));
	int saved = errno;

	if (idle == 0 || arm_ours(thread, idle) != 0)
		return; /* the next gate call tries again */
	context->uc_stack.ss_sp = first_of(thread, idle);
	context->uc_stack.ss_size = ROOM;
	context->uc_stack.ss_flags = (int)MDI_SS_AUTODISARM;
	mdi_ready = (uintptr_t)mdi_thread_block(thread);
	errno = saved;
}

void mdi_altstack_begin(struct mdi_thread *thread, const ucontext_t *context,
			uintptr_t host_sp, unsigned long flags,
			struct mdi_turn *turn)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	uint32_t idle;

	turn->ready = mdi_ready;
	turn->sp = 0;
	turn->last = false;
	if (part_at(thread, here) == 0) {
		/* The kernel has the program's own, and goes on with it. */
		turn->before = thread->host->altstacks;
		return;
	}
	idle = note_used(thread, mdi_interrupted_sp(context));
	turn->before = thread->host->altstacks;
	turn->last = (idle & (idle - 1)) == 0; /* one, or none */
	if (flags & SA_ONSTACK && has_own(thread)) {
		turn->sp = on_own(thread, host_sp) ?
				   host_sp - RED_ZONE :
				   (uintptr_t)thread->host->old_altstack +
					   thread->host->old_altstack_size;
		arm_own(thread);
	} else if (idle != 0) {
		mdi_altstack_arm(first_of(thread, idle), ROOM);
	} else {
		/* A gate call that entered a module now would have none. */
		mdi_ready = MDI_UNATTACHED;
	}
}

void mdi_altstack_call(const struct mdi_turn *turn,
		       void (*handler)(int, siginfo_t *, void *), int signo,
		       siginfo_t *info, ucontext_t *context)
{
	if (turn->sp != 0)
		mdi_handler_on(signo, info, context, handler, turn->sp);
	else
		handler(signo, info, context);
}

void mdi_altstack_end(struct mdi_thread *thread, const struct mdi_turn *turn)
{
	uint32_t idle = ALL & ~turn->before;

	/*
	 * The return from here brings the kernel's stack back. But the thread
	 * counts as inside before it, and a signal may come between the two.
	 */
	if (turn->sp != 0 && idle != 0)
		mdi_altstack_arm(first_of(thread, idle), ROOM);
	mdi_ready = turn->ready;
	thread->host->altstacks = turn->before;
}

bool mdi_altstack_foreign_begin(void)
{
	bool outer = foreign;

	foreign = true;
	return outer;
}

void mdi_altstack_foreign_end(bool outer, ucontext_t *context)
{
	const struct mdi_thread *thread = mdi_thread_self();

	foreign = outer;
	if (thread == NULL)
		return;
	context->uc_stack.ss_sp = part_base(thread->host->index, 0);
	context->uc_stack.ss_size = ROOM;
	context->uc_stack.ss_flags = (int)MDI_SS_AUTODISARM;
}

/* --- what the program asks --- */

static void tell_own(const struct mdi_thread *thread, stack_t *out)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	out->ss_sp = thread->host->old_altstack;
	out->ss_size = thread->host->old_altstack_size;
	out->ss_flags = (int)thread->host->old_altstack_flags;
	if (on_own(thread, here))
		out->ss_flags |= SS_ONSTACK;
}

/* As the kernel would. */
static int change_own(struct mdi_thread *thread, const stack_t *stack)
{
	uint32_t mode = (uint32_t)stack->ss_flags & ~MDI_SS_AUTODISARM;
	bool none = mode == SS_DISABLE;

	if (on_own(thread, (uintptr_t)__builtin_frame_address(0)))
		return EPERM;
	if (!none && mode != 0 && mode != SS_ONSTACK)
		return EINVAL;
	if (!none && stack->ss_size < MDI_ALTSTACK_MIN)
		return ENOMEM;
	keep_own(thread, none ? NULL : stack->ss_sp, none ? 0 : stack->ss_size,
		 (uint32_t)stack->ss_flags);
	return 0;
}

int mdi_altstack_ask(const void *stack, void *old)
{
	struct mdi_thread *thread = mdi_thread_self();
	stack_t now;
	int error = 0;

	tell_own(thread, &now);
	if (stack != NULL)
		error = change_own(thread, stack);
	/* The kernel has it just now, in a handler that runs there. */
	if (error == 0 && stack != NULL && mdi_ready == MDI_UNATTACHED)
		mdi_altstack_restore(thread->host->old_altstack,
				     thread->host->old_altstack_size,
				     thread->host->old_altstack_flags);
	if (error != 0) {
		errno = error;
		return -1;
	}
	if (old != NULL)
		*(stack_t *)old = now;
	return 0;
}
