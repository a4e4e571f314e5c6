/* SPDX-License-Identifier: MIT */
/*
 * Faults. mdi_fault_event() runs in the trap handler: it carries out what
 * trap.c says. A module's fault is recorded, the filter is asked, and the saved
 * machine state is edited so that the return from the handler goes to
 * mdi_gate_recover(), on the host's stack with host rights; from there
 * mdi_gate_land() tells the landing as ordinary code.
 *
 * In the handler: no lock, no allocation, no thread-local but errno and
 * mdi_block (the stub has put FS back).
 */
#include "core/fault.h"

#include "base/error.h"
#include "core/door.h"
#include "core/entries.h"
#include "core/frames.h"
#include "core/front.h"
#include "core/gadget.h"
#include "core/gate.h"
#include "core/grant.h"
#include "core/handed.h"
#include "core/limit.h"
#include "core/notify.h"
#include "core/permit.h"
#include "core/policy.h"
#include "core/range.h"
#include "core/record.h"
#include "core/recorder.h"
#include "core/region.h"
#include "core/report.h"
#include "core/schedule.h"
#include "core/state.h"
#include "core/thread.h"
#include "core/trap.h"
#include "core/unmark.h"
#include "core/walk.h"
#include "os/misuse.h"
#include "os/process.h"
#include "os/tracepoint.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* How often one access may be tried again before it counts as a fault. */
#define RETRIES 1000
/* After so many it pauses: who changes the rights may wait for this CPU. */
#define RETRIES_AT_ONCE 100
#define RETRY_PAUSE_NS  200000u

#define RETRY_GAP_NS 100000000u /* longer than a busy machine takes */

/*
 * How often a filter may say RETRY to one and the same fault: the same
 * instruction with the same registers, at the same address.
 */
#define FILTER_RETRIES 10000

static struct mdi_fault_state *const own = &mdi_core_state.fault;

/* --- in the handler --- */

/*
 * The cause may be gone already: rights were changed while the fault was on
 * its way. Try again, but not for ever: @address again and again at once is a
 * fault.
 */
static bool try_again(struct mdi_thread *thread, uintptr_t address)
{
	uint64_t now = mdi_os_now_ns();
	uint32_t never = 0;

	if (thread->retry_address != address ||
	    now - thread->retry_ns > RETRY_GAP_NS) {
		thread->retry_address = address;
		thread->retries = 0;
	}
	thread->retry_ns = now;
	if (++thread->retries > RETRIES_AT_ONCE)
		mdi_os_wait(&never, 0, RETRY_PAUSE_NS);
	return thread->retries < RETRIES;
}

/* Back to the host, where the gate was called, with @status. */
static enum mdi_outcome end_call(const struct mdi_trap *trap, int status)
{
	struct mdi_thread *thread = trap->thread;

	thread->status = status;
	thread->left_sp = trap->sp;
	if (trap->handed)
		mdi_unmark_host(mdi_frame_top(thread),
				mdi_context_sp(trap->context));
	mdi_context_redirect(trap->context,
			     (void *)(uintptr_t)mdi_gate_recover,
			     mdi_frame_top(thread)->sp,
			     (uintptr_t)mdi_thread_block(thread));
	mdi_backend_now->recover(thread, trap->context);
	return MDI_ELSEWHERE;
}

/* Nothing that can be run again, or that a signal handler could do. */
static bool is_final(const struct modiso_fault *fault)
{
	return fault->kind == MODISO_FAULT_GATE ||
	       (fault->signo == 0 && fault->kind != MODISO_FAULT_TIMEOUT);
}

/* Module code goes on where it was, with its own rights; a service as it is. */
static enum mdi_outcome go_on(const struct mdi_trap *trap)
{
	if (!trap->handed)
		mdi_backend_confine(trap->thread, trap->domain, trap->context);
	return MDI_GOES_ON;
}

/* The module does what it asked for. */
static enum mdi_outcome pass_door(const struct mdi_trap *trap)
{
	mdi_context_set_pc(trap->context,
			   (const char *)trap->pc + MDI_DOOR_SIZE);
	return go_on(trap);
}

/* FNV-1a, by words. */
static uint64_t state_of(const struct modiso_fault *fault)
{
	uint64_t hash = 0xcbf29ce484222325u ^ fault->address;

	for (size_t i = 0; i < MDI_COUNT(fault->registers); i++)
		hash = (hash ^ fault->registers[i]) * 0x100000001b3u;
	return hash;
}

/* How often has this very fault been tried again at the filter's word? */
static uint32_t retries_of(const struct mdi_thread *thread,
			   const struct modiso_fault *fault)
{
	return thread->filter_retries != 0 &&
			       thread->retried_state == state_of(fault) ?
		       thread->filter_retries :
		       0;
}

/*
 * A filter that says RETRY to whatever comes would keep the thread for ever.
 * The module has come no further when nothing of its state has changed.
 */
static enum modiso_verdict limit_retries(struct mdi_thread *thread,
					 const struct modiso_fault *fault,
					 enum modiso_verdict verdict)
{
	thread->filter_retries = 0;
	if (verdict != MODISO_VERDICT_RETRY)
		return verdict;
	if (fault->retries >= FILTER_RETRIES)
		return MODISO_VERDICT_END;
	thread->filter_retries = fault->retries + 1;
	thread->retried_state = state_of(fault);
	return verdict;
}

/* What the filter's answer comes to, for a fault that is its own. */
static enum modiso_verdict ask(const struct mdi_trap *trap,
			       struct modiso_fault *fault)
{
	struct mdi_thread *thread = trap->thread;
	enum modiso_verdict verdict = mdi_notify_ask(thread, fault);

	if (is_final(fault) && verdict == MODISO_VERDICT_RETRY)
		verdict = MODISO_VERDICT_END;
	/* A gate's code is not gone on with: who knows how it was entered. */
	if (mdi_is_gate_code(trap->pc) && fault->signo != 0)
		verdict = MODISO_VERDICT_END;
	return limit_retries(thread, fault, verdict);
}

/*
 * A module that goes on does so with its own rights: those that it had can be
 * what it jumped to a WRPKRU for.
 */
static enum mdi_outcome module_fault(const struct mdi_trap *trap)
{
	struct mdi_thread *thread = trap->thread;
	struct modiso_fault *fault = &thread->fault;
	enum modiso_verdict verdict;

	mdi_record_module(fault, thread, mdi_domain_module(trap->domain));
	mdi_record_state(fault, trap);
	mdi_recorder_fault(thread, fault);
	MDI_PROBE4(fault, fault->module_name, fault->kind, fault->address,
		   fault->pc);
	fault->retries = retries_of(thread, fault);
	verdict = ask(trap, fault);
	if (verdict == MODISO_VERDICT_RETRY)
		return go_on(trap);
	if (verdict == MODISO_VERDICT_PASS && fault->signo != 0) {
		go_on(trap);
		return MDI_PASSED_ON;
	}
	if (verdict == MODISO_VERDICT_PASS &&
	    fault->kind == MODISO_FAULT_ABORT)
		return pass_door(trap);
	if (verdict == MODISO_VERDICT_PASS &&
	    fault->kind != MODISO_FAULT_JUMP &&
	    fault->kind != MODISO_FAULT_TIMEOUT)
		return end_call(trap, MDI_STATUS_PASSED);
	mdi_fault_counter++;
	return end_call(trap, MODISO_ERR_FAULT);
}

/* Of the host's code, for a module: as if the module had done it itself. */
static enum mdi_outcome handed_fault(const struct mdi_trap *trap)
{
	struct mdi_trap as;

	return mdi_handed_as_modules(trap, &as) ? module_fault(&as) :
						  MDI_ASK_AGAIN;
}

void mdi_fault_stranded(struct mdi_thread *thread, struct mdi_context *context)
{
	const struct mdi_trap trap = {
		.thread = thread,
		.context = context,
		.pc = mdi_context_pc(context),
		.sp = mdi_context_sp(context),
	};
	struct modiso_fault *fault = &thread->fault;

	mdi_record_module(fault, thread,
			  mdi_domain_module(
				  mdi_frame_domain(mdi_frame_top(thread))));
	fault->kind = MODISO_FAULT_ILLEGAL;
	fault->pc = trap.pc;
	fault->sp = trap.sp;
	mdi_context_registers(context, fault->registers);
	mdi_fault_counter++;
	end_call(&trap, MODISO_ERR_FAULT);
}

/*
 * A thread that a module has made by itself: it has the module's rights and no
 * gate to come back through. Its fault ends the thread, as pthread_exit(3)
 * would, with host rights.
 */
MODISO_CALL void mdi_orphan_end(struct modiso_fault *fault)
{
	mdi_walk_record(fault, true);
	mdi_report_log(fault);
	mdi_notify_tell(fault);
	for (;;)
		pthread_exit(NULL); /* not each header says that it ends here */
}

static enum mdi_outcome orphan_fault(const struct mdi_trap *trap)
{
	uint32_t n =
		__atomic_fetch_add(&own->orphan_count, 1, __ATOMIC_RELAXED);
	struct modiso_fault *fault = &own->orphans[n % MDI_ORPHANS];

	mdi_record_module(fault, NULL, mdi_domain_module(trap->domain));
	mdi_record_state(fault, trap);
	if (mdi_notify_ask(NULL, fault) == MODISO_VERDICT_PASS &&
	    fault->signo != 0)
		return MDI_ASK_AGAIN;
	mdi_fault_counter++;
	/* Below what the interrupted function may still have on its stack. */
	mdi_context_redirect(trap->context,
			     (void *)(uintptr_t)mdi_orphan_landing,
			     (trap->sp - 256) & ~(uintptr_t)15,
			     (uintptr_t)fault);
	mdi_backend_now->recover(NULL, trap->context);
	return MDI_ELSEWHERE;
}

static enum mdi_outcome continue_at(const struct mdi_trap *trap, const void *pc)
{
	mdi_context_set_pc(trap->context, pc);
	return MDI_GOES_ON;
}

static enum mdi_outcome end_thread(const struct mdi_trap *trap)
{
	trap->thread->unwinding = trap->exception;
	return end_call(trap, MDI_STATUS_UNWIND);
}

static enum mdi_outcome mend(const struct mdi_trap *trap)
{
	if (trap->event.kind == MDI_EVENT_ARITHMETIC)
		mdi_context_late_drop(trap->context);
	else if (!mdi_context_mend(trap->context, trap->thread))
		return MDI_ASK_AGAIN;
	return MDI_GOES_ON;
}

static enum mdi_outcome carry_out(enum mdi_verdict verdict,
			      const struct mdi_trap *trap)
{
	switch (verdict) {
	case MDI_FILTER_FAULT:
		mdi_misuse("a fault in a fault filter (modiso_filter_fn)");
	case MDI_TOO_DEEP:
		return continue_at(trap, (void *)(uintptr_t)mdi_gate_overflow);
	case MDI_MEND:
		return mend(trap);
	case MDI_MAKE_THREAD:
		/* Of a guarded one clone(2) comes to nothing. */
		if (!trap->domain->guarded)
			__atomic_store_n(&trap->domain->made_threads, true,
					 __ATOMIC_RELAXED);
		return pass_door(trap);
	case MDI_GO_ON:
		return pass_door(trap);
	case MDI_END_THREAD:
		return end_thread(trap);
	case MDI_TRY_AGAIN:
		if (!try_again(trap->thread, trap->event.address))
			return MDI_ASK_AGAIN;
		return trap->where == MDI_AT_GATE ? MDI_GOES_ON : go_on(trap);
	case MDI_WALK_ENDS:
		return mdi_context_load_zero(trap->context) ? go_on(trap) :
							      MDI_ASK_AGAIN;
	case MDI_LEFT:
		mdi_misuse("host code runs with a module's rights: the program "
			   "has left the module by a jump, not by its gate");
	case MDI_PERMIT:
		return mdi_permit(trap) ? MDI_GOES_ON : MDI_ASK_AGAIN;
	case MDI_ANSWER:
		return mdi_policy_answer(trap) ? go_on(trap) : MDI_SERVED;
	case MDI_FAULT:
		return module_fault(trap);
	case MDI_FAULT_ORPHAN:
		return orphan_fault(trap);
	case MDI_CARRY_OUT:
		return mdi_gadget_carry_out(trap->gadget, trap->context,
					    mdi_open.state.rights_offset) ?
			       MDI_GOES_ON :
			       MDI_ASK_AGAIN;
	case MDI_CALL_AGAIN:
		mdi_context_call_again(trap->context);
		return MDI_GOES_ON;
	case MDI_OPEN:
		return mdi_backend_now->host_fault(
			       trap->thread,
			       trap->place.at ? trap->place.at->domain : NULL,
			       &trap->event, trap->context) ?
			       MDI_GOES_ON :
			       MDI_ASK_AGAIN;
	case MDI_COPY_FAILS:
		return continue_at(trap, mdi_copy_fault);
	case MDI_FAULT_HANDED:
		return handed_fault(trap);
	case MDI_PASS:
		break;
	}
	return MDI_PASSED_ON;
}

enum mdi_outcome mdi_fault_event(const struct mdi_event *event,
				 struct mdi_context *context,
				 struct mdi_thread *thread)
{
	enum mdi_outcome outcome;
	struct mdi_trap trap;
	unsigned row = 0;
	bool stepped = mdi_step_interrupted(context);

	if (stepped && mdi_step_event(event, context, thread))
		return MDI_GOES_ON;
	mdi_trap_decode(&trap, event, context, thread);
	do
		outcome = carry_out(mdi_trap_verdict(&trap, &row), &trap);
	while (outcome == MDI_ASK_AGAIN);
	if (stepped)
		mdi_step_settle(context, thread);
	return outcome;
}

enum mdi_outcome mdi_fault_timeout(struct mdi_thread *thread,
				   struct mdi_context *context)
{
	const struct mdi_event event = {
		.kind = MDI_EVENT_TIMEOUT,
		.key = MDI_EVENT_NO_KEY,
		.raised = true,
	};
	struct mdi_trap trap;

	mdi_trap_decode(&trap, &event, context, thread);
	if (trap.domain == NULL || trap.left)
		return MDI_GOES_ON;
	return module_fault(&trap);
}

/* --- after it, on the host's stack --- */

static const char *fault_text(char *text, size_t size)
{
	const struct mdi_thread *thread = mdi_thread_self();
	const struct modiso_fault *fault = thread ? &thread->fault : NULL;

	if (fault == NULL)
		return "a module faulted";
	if (fault->kind == MODISO_FAULT_TIMEOUT) {
		mdi_limit_text(fault, text, size);
		return text;
	}
	snprintf(text, size,
		 "module %s faulted (%s) at %#zx; see modiso_fault_last()",
		 fault->module_name, modiso_fault_kind_name(fault->kind),
		 (size_t)fault->address);
	return text;
}

void mdi_fault_called_by(uintptr_t pc, uintptr_t sp)
{
	struct mdi_thread *thread = mdi_thread_self();

	if (thread == NULL)
		return;
	thread->fault.host_pc = pc;
	thread->fault.host_sp = sp;
	thread->fault.calls[0].host_pc = pc;
}

MODISO_CALL void mdi_unwind_over(void *exception, struct mdi_thread *thread)
{
	const struct mdi_frame *frame = mdi_frame_top(thread);

	/* The same holds for the host's frames that are left. */
	mdi_unmark_below((uintptr_t)__builtin_frame_address(0));
	mdi_unmark_below(frame->sp);
	thread->status = MDI_STATUS_UNWIND;
	thread->unwinding = exception;
	thread->left_sp = frame->stack - 16;
}

/* The way back is not to where the gate was called: it goes further. */
static void land_elsewhere(struct mdi_thread *thread, int status)
{
	thread->status = 0;
	mdi_unmark_stack(thread->left_sp);
	mdi_gate_abandon(thread);
	if (status == MDI_STATUS_UNWIND)
		mdi_unwind_go_on(thread->unwinding);
	mdi_door_carry_out(&thread->fault);
}

void mdi_faults_start(void)
{
	mdi_error_later(fault_text);
}

MODISO_CALL void mdi_gate_land(struct mdi_thread *thread)
{
	int saved = errno;

	mdi_selectors_reload(thread);
	if (mdi_front_now->landed != NULL)
		mdi_front_now->landed(thread);
	if (thread->abandoned) {
		thread->status = 0;
		mdi_thread_landed(thread);
		return;
	}
	if (thread->status == MDI_STATUS_UNWIND ||
	    thread->status == MDI_STATUS_PASSED)
		land_elsewhere(thread, thread->status);
	if (thread->status != MODISO_ERR_FAULT) {
		/* A way back that was refused: the status is set already. */
		mdi_gate_abandon(thread);
		return;
	}
	thread->status = 0;
	mdi_record_host(&thread->fault, mdi_frame_top(thread));
	mdi_record_calls(&thread->fault, thread);
	mdi_unmark_stack(thread->left_sp);
	mdi_gate_abandon(thread);
	/* Host code by now; and nobody else runs on that stack. */
	mdi_walk_record(&thread->fault, false);
	mdi_report_log(&thread->fault);
	mdi_notify_tell(&thread->fault);
	/* The sentence is made when somebody asks for it. */
	mdi_status_set(mdi_fail_later(MODISO_ERR_FAULT));
	errno = saved;
}
