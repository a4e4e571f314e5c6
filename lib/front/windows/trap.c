/* SPDX-License-Identifier: MIT */
/*
 * A vectored exception handler is asked before all others, on the stack of the
 * code that has raised the exception, right below it. In a module that stack
 * may end anywhere, so the library's code goes on on one of its own.
 *
 * Nothing asynchronous comes here: an exception is of the instruction at the
 * saved RIP.
 */
#include "front/windows/trap.h"

#include "arch/arch.h"
#include "arch/x86_64/windows/trap.h"
#include "base/error.h"
#include "core/fault.h"
#include "core/frames.h"
#include "core/region.h"
#include "core/schedule.h"
#include "core/thread.h"
#include "front/windows/state.h"
#include "os/critical.h"
#include "os/guard.h"
#include "os/memory.h"
#include "os/misuse.h"
#include "os/windows/event.h"

#include <errno.h>

/* The lowest page is a guard; struct used is the first of the next one. */
#define STACK_SIZE ((size_t)65536)

/* What serving a fault has used up. */
struct used {
	uintptr_t guard; /* a page of a module's stack; 0: none */
};

static struct mdi_front_state *const own = &mdi_front_state;

static char *stack_of(uint32_t index)
{
	return mdi_arch_state.altstacks + (size_t)index * MDI_ALTSTACK_SIZE;
}

int mdi_trap_stack_commit(uint32_t index)
{
	if (mdi_mem_use(stack_of(index) + MDI_PAGE_SIZE,
			STACK_SIZE - MDI_PAGE_SIZE) == 0)
		return 0;
	return mdi_fail_os("VirtualAlloc", "a thread's stack for exceptions");
}

void mdi_trap_stack_uncommit(uint32_t index)
{
	(void)mdi_mem_decommit(stack_of(index), STACK_SIZE);
}

bool mdi_trap_stack_holds(const struct mdi_thread *thread, uintptr_t sp)
{
	return sp - (uintptr_t)stack_of(thread->host->index) < STACK_SIZE;
}

static struct used *used_by(const struct mdi_thread *thread)
{
	return (struct used *)(stack_of(thread->host->index) + MDI_PAGE_SIZE);
}

void mdi_trap_landed(struct mdi_thread *thread)
{
	struct used *used = used_by(thread);

	if (used->guard != 0)
		mdi_guard_again(used->guard);
	used->guard = 0;
}

struct trap {
	struct mdi_event event;
	struct mdi_context context;
	struct mdi_thread *thread;
	bool goes_on; /* by the state that is saved */
};

/*
 * What is saved may lie in what was the guard of this stack, and is read there
 * when the handler returns: so it cannot be armed here.
 */
static void note_guard(struct trap *trap)
{
	uintptr_t address = trap->event.address;
	const struct modiso_region *region = mdi_region_at(address);

	if (region != NULL && address < mdi_region_start(region))
		used_by(trap->thread)->guard = address & -MDI_PAGE_SIZE;
}

static void serve(void *arg)
{
	struct trap *trap = arg;
	int saved = errno;
	DWORD last = GetLastError();

	if (trap->context.record->ExceptionCode == EXCEPTION_GUARD_PAGE)
		note_guard(trap);
	switch (mdi_fault_event(&trap->event, &trap->context, trap->thread)) {
	case MDI_GOES_ON:
	case MDI_ELSEWHERE:
		trap->goes_on = true;
		break;
	default:
		trap->goes_on = false;
	}
	SetLastError(last);
	errno = saved;
}

/*
 * Guard pages of host code are the host's: the system has opened one by now,
 * so that it would look as if its cause were gone.
 */
static bool is_hosts_guard(DWORD code, const struct mdi_thread *thread)
{
	return (code == EXCEPTION_GUARD_PAGE ||
		code == EXCEPTION_STACK_OVERFLOW) &&
	       (thread == NULL || !mdi_thread_inside(thread));
}

/*
 * Asking the system costs as much as a fifth of a fault. Of what is apart the
 * host may have taken pages away.
 */
static bool is_in_region(const EXCEPTION_RECORD *record)
{
	uintptr_t address = mdi_event_touched(record);
	const struct modiso_region *region =
		address != 0 ? mdi_region_at(address) : NULL;

	return region != NULL && !mdi_region_apart(region);
}

/*
 * On the module's stack: as little as can be. A fault of the code that serves
 * another one is served where that one is.
 */
static LONG on_exception(EXCEPTION_POINTERS *pointers)
{
	struct trap trap = {
		.context = { pointers->ContextRecord,
			     pointers->ExceptionRecord },
		.thread = mdi_thread_self(),
	};
	uintptr_t sp = mdi_context_sp(&trap.context);

	if (trap.thread != NULL && mdi_thread_inside(trap.thread) &&
	    mdi_unwind_begins(&trap.context))
		return EXCEPTION_CONTINUE_EXECUTION;
	if (!mdi_event_read(&trap.event, pointers->ExceptionRecord,
			    is_in_region(pointers->ExceptionRecord)) ||
	    is_hosts_guard(pointers->ExceptionRecord->ExceptionCode,
			   trap.thread))
		return EXCEPTION_CONTINUE_SEARCH;
	if (trap.thread == NULL || !mdi_thread_inside(trap.thread) ||
	    mdi_trap_stack_holds(trap.thread, sp))
		serve(&trap);
	else
		mdi_call_on(serve, &trap,
			    (uintptr_t)stack_of(trap.thread->host->index) +
				    STACK_SIZE);
	return trap.goes_on ? EXCEPTION_CONTINUE_EXECUTION :
			      EXCEPTION_CONTINUE_SEARCH;
}

/* Who stops this thread meanwhile has stopped it in the middle of this. */
static LONG CALLBACK handler(EXCEPTION_POINTERS *pointers)
{
	LONG answer;

	mdi_critical_count(MDI_EXCEPTION);
	answer = on_exception(pointers);
	mdi_critical_count(-MDI_EXCEPTION);
	return answer;
}

int mdi_trap_take_out(struct mdi_thread *thread)
{
	HANDLE stopped = OpenThread(THREAD_GET_CONTEXT | THREAD_SET_CONTEXT,
				    FALSE, (DWORD)thread->tid);
	CONTEXT machine = { .ContextFlags = CONTEXT_FULL };
	struct mdi_context context = { &machine, NULL };

	if (stopped == NULL || !GetThreadContext(stopped, &machine)) {
		(void)mdi_windows_failed();
		if (stopped != NULL)
			CloseHandle(stopped);
		return mdi_fail_os("GetThreadContext", "thread %d",
				   thread->tid);
	}
	if (mdi_thread_take_out(thread, &context) &&
	    !SetThreadContext(stopped, &machine))
		mdi_misuse("a thread that was to leave its modules cannot be "
			   "led out: SetThreadContext fails");
	CloseHandle(stopped);
	return 0;
}

int mdi_traps_start(void)
{
	own->handler = AddVectoredExceptionHandler(1, handler);
	if (own->handler != NULL)
		return 0;
	errno = ENOMEM;
	return mdi_fail_os("AddVectoredExceptionHandler", "exceptions");
}

void mdi_traps_stop(void)
{
	RemoveVectoredExceptionHandler(own->handler);
	own->handler = NULL;
}

/* In again before it is taken out, so that there is always one. */
int mdi_traps_again(void)
{
	void *before = own->handler;
	int result = mdi_traps_start();

	if (result != 0)
		own->handler = before;
	else
		RemoveVectoredExceptionHandler(before);
	return result;
}
