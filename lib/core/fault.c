/* SPDX-License-Identifier: MIT */
/*
 * Faults. mdi_fault_signal() runs in the signal handler: it decides whose
 * fault it is. A module's is recorded, the filter is asked, and the saved
 * machine state is edited so that the return from the handler goes to
 * mdi_gate_recover(), on the host's stack with host rights; from there
 * mdi_gate_land() tells the landing as ordinary code.
 *
 * In the handler: no lock, no allocation, no thread-local but errno and
 * mdi_block (the stub has put FS back).
 */
#include "core/fault.h"

#include "base/error.h"
#include "base/misuse.h"
#include "core/door.h"
#include "core/frames.h"
#include "core/gate.h"
#include "core/grant.h"
#include "core/handler.h"
#include "core/range.h"
#include "core/record.h"
#include "core/region.h"
#include "core/schedule.h"
#include "core/state.h"
#include "core/thread.h"
#include "os/linux_signal.h"
#include "os/linux_sys.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
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

/* As much of a stack may hold what frames that were left have marked. */
#define LEFT_BELOW ((uintptr_t)64 * 1024)

/* --- who is told --- */

static struct mdi_fault_state *const own = &mdi_core_state.fault;

void mdi_fault_notify(struct modiso_module *module, modiso_filter_fn filter,
		      modiso_landing_fn landing, void *arg)
{
	const struct mdi_told told = { filter, landing, arg };

	mdi_notify_set(module ? &module->notify : &own->notify, &told);
}

static struct mdi_told who_is_told(const struct modiso_module *module)
{
	struct mdi_told told = mdi_notify_get(&module->notify);

	return told.filter != NULL || told.landing != NULL ?
		       told :
		       mdi_notify_get(&own->notify);
}

static enum modiso_verdict ask_filter(struct mdi_thread *thread,
				      const struct modiso_fault *fault)
{
	struct mdi_told told = who_is_told(fault->module);
	enum modiso_verdict verdict;

	if (told.filter == NULL)
		return MODISO_VERDICT_END;
	if (thread != NULL)
		thread->in_handler = 1;
	verdict = told.filter(fault, told.arg);
	if (thread != NULL)
		thread->in_handler = 0;
	return verdict;
}

void mdi_fault_service(struct mdi_thread *thread, const char *service)
{
	struct mdi_frame *frame = mdi_frame_top(thread);
	struct modiso_fault *fault = &thread->fault;

	mdi_record_module(fault, thread,
		      mdi_domain_module((void *)mdi_link_domain(frame->link)));
	fault->kind = MODISO_FAULT_SERVICE;
	fault->sp = frame->service_sp;
	strncpy(fault->region_name, service, MODISO_NAME_SIZE - 1);
	ask_filter(thread, fault); /* nothing can be tried again */
	mdi_fault_counter++;
	thread->status = MODISO_ERR_FAULT;
	thread->left_sp = frame->service_sp;
}

/* --- in the handler --- */

/* May @module touch @address like this, as far as the library knows? */
static bool allowed(const struct modiso_module *module,
		    const struct modiso_region *region, uintptr_t address,
		    uint32_t access)
{
	uint32_t rights;

	if (region == NULL)
		return false;
	rights = mdi_grant_rights(module, region);
	if (region->stack && address < region->node.base + MDI_PAGE_SIZE)
		return false;
	return access != 0 && (rights & access) == access;
}

/*
 * The cause may be gone already: rights were changed while the fault was on
 * its way. Try again, but not for ever: @address again and again at once is a
 * fault.
 */
static bool try_again(struct mdi_thread *thread, uintptr_t address)
{
	uint64_t now = mdi_sys_now_ns();
	uint32_t never = 0;

	if (thread->retry_address != address ||
	    now - thread->retry_ns > RETRY_GAP_NS) {
		thread->retry_address = address;
		thread->retries = 0;
	}
	thread->retry_ns = now;
	if (++thread->retries > RETRIES_AT_ONCE)
		mdi_sys_futex_wait(&never, 0, RETRY_PAUSE_NS);
	return thread->retries < RETRIES;
}

static bool in_copy(uintptr_t pc)
{
	return pc >= (uintptr_t)mdi_copy_begin && pc < (uintptr_t)mdi_copy_end;
}

/* A host thread's fault: true when it goes on where it was. */
static bool host_fault(int signo, siginfo_t *info, ucontext_t *context,
		       struct mdi_thread *thread)
{
	uintptr_t address = (uintptr_t)info->si_addr;
	uint32_t access = mdi_context_access(context);
	struct modiso_region *region = NULL;

	if (signo != SIGSEGV && signo != SIGBUS)
		return false;
	if (access != 0)
		region = mdi_region_at(address);
	if (signo == SIGSEGV && access != 0 &&
	    (region == NULL || (region->access & access) == access) &&
	    mdi_backend_now->host_fault(thread,
					region ? region->domain : NULL,
					info, context))
		return true;
	if (in_copy(mdi_context_pc(context)) && mdi_copy_covers(address)) {
		mdi_context_set_pc(context, mdi_copy_fault);
		return true;
	}
	return false;
}

/* Where a bad access went; NULL: into no region, or it was none. */
static const struct modiso_region *region_of(int signo, const siginfo_t *info)
{
	return signo == SIGSEGV || signo == SIGBUS ?
		       mdi_region_at((uintptr_t)info->si_addr) :
		       NULL;
}

/* Back to the host, where the gate was called, with @status. */
static void end_call(struct mdi_thread *thread, ucontext_t *context, int status)
{
	thread->status = status;
	thread->left_sp = mdi_context_sp(context);
	mdi_context_redirect(context, (void *)(uintptr_t)mdi_gate_recover,
			     mdi_frame_top(thread)->rsp,
			     (uintptr_t)mdi_thread_block(thread));
	mdi_backend_now->recover(thread, context);
}

/* Nothing that can be run again, or that a signal handler could do. */
static bool is_final(const struct modiso_fault *fault)
{
	return fault->kind == MODISO_FAULT_GATE || fault->signo == 0;
}

/* The module does what it asked for, with its own rights. */
static void pass_door(const struct mdi_thread *thread,
		      const struct modiso_module *module, ucontext_t *context)
{
	mdi_backend_now->confine(thread, &module->domain, context);
	mdi_context_set_pc(context, (const char *)mdi_context_pc(context) +
					    MDI_DOOR_SIZE);
}

/*
 * A gate's way out of a module, with DS and ES in rcx and rdx: they are not 0
 * (gate_pkey.S). The host's are loaded, and the instruction is run again with
 * what it wants there; a jumper could have put in that himself. Host code comes
 * by as well, when it calls a service.
 */
static bool selectors_differ(const struct mdi_thread *thread, int signo,
			     const siginfo_t *info, ucontext_t *context)
{
	uintptr_t far = mdi_context_pc(context) - (uintptr_t)mdi_gate_pkey;

	if (signo != SIGSEGV || info->si_code != SI_KERNEL ||
	    (far != mdi_rights_back[0] && far != mdi_rights_back[1]) ||
	    !mdi_context_clear_rcx_rdx(context))
		return false;
	mdi_selectors_reload(thread);
	return true;
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

/*
 * A module's fault: true when it is to go on. It does so with its own rights:
 * those that it had can be what it jumped to a WRPKRU for. The gates' code is
 * not gone on with where it was entered like that.
 */
static bool module_fault(int signo, siginfo_t *info, ucontext_t *context,
			 struct mdi_thread *thread,
			 struct modiso_module *module)
{
	struct modiso_fault *fault = &thread->fault;
	const struct modiso_region *region = region_of(signo, info);
	bool in_gate = mdi_is_gate_code(mdi_context_pc(context));
	enum modiso_verdict verdict;
	int status = MODISO_ERR_FAULT;

	if (signo == SIGILL &&
	    mdi_door_kind(mdi_context_pc(context)) == MODISO_FAULT_JUMP &&
	    mdi_door_may_jump(thread, module, context)) {
		pass_door(thread, module, context);
		return true;
	}
	if (signo == SIGILL) {
		thread->unwinding =
			mdi_door_ending_of(thread, module, context);
		if (thread->unwinding != NULL) {
			end_call(thread, context, MDI_STATUS_UNWIND);
			return false;
		}
	}
	if (signo == SIGSEGV && info->si_code != SI_KERNEL &&
	    allowed(module, region, (uintptr_t)info->si_addr,
		    mdi_context_access(context)) &&
	    try_again(thread, (uintptr_t)info->si_addr)) {
		if (!in_gate)
			mdi_backend_now->confine(thread, &module->domain,
						 context);
		return true;
	}
	if (mdi_door_ran_past(thread, module, context))
		mdi_misuse("host code runs with a module's rights: the program "
			   "has left the module by a jump, not by its gate");
	mdi_record_module(fault, thread, module);
	mdi_record_state(fault, signo, info, context, region);
	fault->retries = retries_of(thread, fault);
	verdict = ask_filter(thread, fault);
	if (is_final(fault) && verdict == MODISO_VERDICT_RETRY)
		verdict = MODISO_VERDICT_END;
	if (in_gate && fault->signo != 0)
		verdict = MODISO_VERDICT_END;
	verdict = limit_retries(thread, fault, verdict);
	if (verdict != MODISO_VERDICT_END && fault->signo != 0)
		mdi_backend_now->confine(thread, &module->domain, context);
	if (verdict == MODISO_VERDICT_RETRY)
		return true;
	if (verdict == MODISO_VERDICT_PASS &&
	    fault->kind == MODISO_FAULT_ABORT) {
		pass_door(thread, module, context);
		return true;
	}
	if (verdict == MODISO_VERDICT_PASS && fault->signo != 0)
		return mdi_host_fault(signo, info, context, thread);
	if (verdict == MODISO_VERDICT_PASS &&
	    fault->kind != MODISO_FAULT_JUMP)
		status = MDI_STATUS_PASSED;
	else
		mdi_fault_counter++;
	end_call(thread, context, status);
	return false;
}

/*
 * A thread that a module has made by itself: it has the module's rights and no
 * gate to come back through. Its fault ends the thread, as pthread_exit(3)
 * would, with host rights.
 */
static void tell(const struct modiso_fault *fault);

void mdi_orphan_end(const struct modiso_fault *fault)
{
	tell(fault);
	pthread_exit(NULL);
}

static bool end_orphan(int signo, siginfo_t *info, ucontext_t *context,
		       struct modiso_module *module)
{
	uint32_t n =
		__atomic_fetch_add(&own->orphan_count, 1, __ATOMIC_RELAXED);
	struct modiso_fault *fault = &own->orphans[n % MDI_ORPHANS];

	if (signo == SIGILL &&
	    mdi_door_kind(mdi_context_pc(context)) == MODISO_FAULT_JUMP) {
		pass_door(NULL, module, context); /* no gate to jump over */
		return true;
	}
	mdi_record_module(fault, NULL, module);
	mdi_record_state(fault, signo, info, context, region_of(signo, info));
	if (ask_filter(NULL, fault) == MODISO_VERDICT_PASS &&
	    fault->signo != 0)
		return false;
	mdi_fault_counter++;
	/* Below what the interrupted function may still have on its stack. */
	mdi_context_redirect(context, (void *)(uintptr_t)mdi_orphan_landing,
			     (mdi_context_sp(context) - 256) & ~(uintptr_t)15,
			     (uintptr_t)fault);
	mdi_backend_now->recover(NULL, context);
	return true;
}

bool mdi_fault_signal(int signo, siginfo_t *info, ucontext_t *context,
		      struct mdi_thread *thread)
{
	struct mdi_domain *culprit;
	int saved = errno;
	bool goes_on = true;

	/* Sent by somebody: nobody's fault, whatever runs here. */
	if (!mdi_context_raised(signo, info, context,
				thread ? &thread->last_trap : NULL)) {
		goes_on = mdi_host_fault(signo, info, context, thread);
		goto out;
	}
	if (thread != NULL && thread->in_handler)
		mdi_misuse("a fault in a fault filter (modiso_filter_fn)");
	if (thread != NULL && signo == SIGSEGV &&
	    mdi_is_gate_code(mdi_context_pc(context)) &&
	    mdi_frames_used_up(thread, (uintptr_t)info->si_addr)) {
		mdi_context_set_pc(context,
				   (void *)(uintptr_t)mdi_gate_overflow);
		return true;
	}
	if (thread != NULL && selectors_differ(thread, signo, info, context))
		goto out;
	culprit = mdi_backend_now->culprit(thread, context);
	if (culprit != NULL && signo == SIGILL &&
	    mdi_context_pc(context) == (uintptr_t)mdi_door_thread) {
		__atomic_store_n(&culprit->made_threads, true,
				 __ATOMIC_RELAXED);
		pass_door(thread, mdi_domain_module(culprit), context);
		goto out;
	}
	if (culprit != NULL && thread != NULL)
		goes_on = module_fault(signo, info, context, thread,
				       mdi_domain_module(culprit));
	else if (culprit != NULL ? !end_orphan(signo, info, context,
					       mdi_domain_module(culprit))
				 : !host_fault(signo, info, context, thread))
		goes_on = mdi_host_fault(signo, info, context, thread);
out:
	errno = saved;
	return thread != NULL && goes_on;
}

/* --- after it, on the host's stack --- */

/* In programs with AddressSanitizer; NULL in all others. */
void __asan_unpoison_memory_region(void const volatile *base, size_t size)
	__attribute__((weak));

/* The module's functions were left without their ends: unmark their frames. */
static void clean_stack(uintptr_t sp)
{
	const struct modiso_region *stack;

	if (__asan_unpoison_memory_region == NULL)
		return;
	stack = mdi_region_at(sp);
	if (stack != NULL && stack->stack)
		__asan_unpoison_memory_region((void *)stack->node.base,
					      stack->node.end -
						      stack->node.base);
}

static void clean_below(uintptr_t sp)
{
	if (__asan_unpoison_memory_region != NULL)
		__asan_unpoison_memory_region((void *)(sp - LEFT_BELOW),
					      LEFT_BELOW);
}

static void tell(const struct modiso_fault *fault)
{
	struct mdi_told told = who_is_told(fault->module);

	if (told.landing != NULL)
		told.landing(fault, told.arg);
}

/* From a copy: the landing may fault modules on this thread again. */
static void tell_copy(const struct mdi_thread *thread)
{
	struct modiso_fault fault = thread->fault;

	tell(&fault);
}

static const char *fault_text(char *text, size_t size)
{
	const struct mdi_thread *thread = mdi_thread_self();
	const struct modiso_fault *fault = thread ? &thread->fault : NULL;

	if (fault == NULL)
		return "a module faulted";
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
}

void mdi_unwind_over(void *exception, struct mdi_thread *thread)
{
	const struct mdi_frame *frame = mdi_frame_top(thread);

	/* The same holds for the host's frames that are left. */
	clean_below((uintptr_t)__builtin_frame_address(0));
	clean_below(frame->rsp);
	thread->status = MDI_STATUS_UNWIND;
	thread->unwinding = exception;
	thread->left_sp = frame->stack - 16;
}

/* The way back is not to where the gate was called: it goes further. */
static void land_elsewhere(struct mdi_thread *thread, int status)
{
	thread->status = 0;
	clean_stack(thread->left_sp);
	mdi_gate_abandon(thread);
	if (status == MDI_STATUS_UNWIND)
		mdi_unwind_go_on(thread->unwinding);
	mdi_door_carry_out(&thread->fault);
}

void mdi_faults_start(void)
{
	mdi_error_later(fault_text);
}

void mdi_gate_land(struct mdi_thread *thread)
{
	int saved = errno;

	mdi_selectors_reload(thread);
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
	clean_stack(thread->left_sp);
	mdi_gate_abandon(thread);
	if (who_is_told(thread->fault.module).landing != NULL)
		tell_copy(thread);
	/* The sentence is made when somebody asks for it. */
	mdi_status_set(mdi_fail_later(MODISO_ERR_FAULT));
	errno = saved;
}
