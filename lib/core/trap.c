/* SPDX-License-Identifier: MIT */
#include "core/trap.h"

#include "core/door.h"
#include "core/frames.h"
#include "core/gadget.h"
#include "core/gate.h"
#include "core/grant.h"
#include "core/handed.h"
#include "core/jump.h"
#include "core/permit.h"
#include "core/policy.h"
#include "core/range.h"
#include "core/region.h"
#include "core/thread.h"

/* --- what is known of it --- */

/* A page was touched that said no, or was not there. */
static bool is_page_fault(const struct mdi_trap *trap)
{
	return trap->event.kind < MDI_EVENT_PRIVILEGED;
}

/* May the module touch that like this, as far as the library knows? */
static bool allowed(const struct mdi_trap *trap)
{
	const struct modiso_region *region = trap->place.at;
	uint32_t rights;

	if (!is_page_fault(trap) || region == NULL)
		return false;
	rights = mdi_grant_rights(mdi_domain_module(trap->domain), region);
	if (trap->event.address < mdi_region_start(region))
		return false;
	return trap->access != 0 && (rights & trap->access) == trap->access;
}

static bool in_copy(const struct mdi_trap *trap)
{
	return mdi_event_is_memory(&trap->event) &&
	       trap->pc >= (uintptr_t)mdi_copy_begin &&
	       trap->pc < (uintptr_t)mdi_copy_end &&
	       mdi_copy_covers(trap->event.address);
}

static uint32_t door_at(uintptr_t pc)
{
	return pc == (uintptr_t)mdi_door_thread ? MDI_DOOR_THREAD :
						  mdi_door_kind(pc);
}

static enum mdi_where where_is(const struct mdi_trap *trap)
{
	if (trap->door != MODISO_FAULT_NONE)
		return MDI_AT_DOOR;
	if (trap->domain == NULL && in_copy(trap))
		return MDI_AT_COPY;
	if (mdi_is_gate_code(trap->pc))
		return MDI_AT_GATE;
	return trap->domain != NULL ? MDI_AT_MODULE : MDI_AT_HOST;
}

/* In a gate that has taken the host's rights, or has all that there are. */
static bool has_host_rights(const struct mdi_trap *trap)
{
	return mdi_backend_now->threads == NULL ||
	       trap->rights == trap->thread->host_rights;
}

/*
 * An exception that a way out is told of late is the module's, and is dropped,
 * if the host would not have heard of it. Else host code may have left it
 * behind before the call; not where the gate has cleared all that, nor by an
 * instruction in the module's own memory.
 */
static void decode_late(struct mdi_trap *trap)
{
	const struct mdi_frame *frame = mdi_frame_top(trap->thread);
	const struct modiso_region *code;
	const struct modiso_module *module;

	if (frame == NULL || !mdi_gate_hears_late(trap->pc) ||
	    !has_host_rights(trap))
		return;
	trap->late = true;
	module = mdi_domain_module(mdi_frame_domain(frame));
	code = mdi_region_at(mdi_context_late_pc(trap->context));
	trap->mends = !mdi_context_late_wanted(trap->context, frame) ||
		      module->domain.confinement == MODISO_CONFINE_SEALED ||
		      (code != NULL && code->owner == module);
}

static void decode_thread(struct mdi_trap *trap)
{
	const struct mdi_thread *thread = trap->thread;

	trap->attached = true;
	trap->armed = thread->host->armed != 0;
	trap->in_filter = thread->in_handler == MDI_IN_FILTER;
	if (!mdi_is_gate_code(trap->pc))
		return;
	trap->no_frame = mdi_event_is_segment(&trap->event) &&
			 mdi_frames_used_up(thread, trap->event.address);
	trap->mends = trap->event.kind == MDI_EVENT_PRIVILEGED &&
		      mdi_gate_wants_mending(trap->pc);
	if (trap->event.kind == MDI_EVENT_ARITHMETIC)
		decode_late(trap);
}

/* A module's code, on a thread that has come by a gate. */
static void decode_module(struct mdi_trap *trap)
{
	const struct modiso_module *module = mdi_domain_module(trap->domain);

	if (trap->door == MODISO_FAULT_JUMP)
		trap->stays = mdi_jump_stays(trap->thread, module,
						trap->context);
	if (trap->door == MODISO_FAULT_EXCEPTION)
		trap->exception = mdi_door_ending_of(trap->thread, module,
						     trap->context);
	trap->allowed = allowed(trap);
	trap->walks = trap->where == MDI_AT_MODULE &&
		      trap->access == MODISO_READ &&
		      trap->event.address ==
			      (uintptr_t)&mdi_frame_top(trap->thread)->sp;
	trap->answers = trap->where == MDI_AT_MODULE &&
			mdi_policy_answers(module, &trap->event);
	trap->left = mdi_jump_ran_past(trap->thread, module, trap->context);
}

void mdi_trap_decode(struct mdi_trap *trap, const struct mdi_event *event,
		     struct mdi_context *context, struct mdi_thread *thread)
{
	const uint32_t *rights;
	bool memory = mdi_event_is_memory(event);

	*trap = (struct mdi_trap){
		.event = *event,
		.thread = thread,
		.context = context,
	};
	if (!event->raised)
		return;
	trap->pc = mdi_context_pc(context);
	trap->sp = mdi_context_sp(context);
	rights = mdi_context_rights(context, mdi_open.state.rights_offset);
	trap->rights = rights ? *rights : 0;
	if (memory)
		trap->access = mdi_context_access(context);
	if (thread != NULL)
		decode_thread(trap);
	if (trap->in_filter || trap->no_frame || trap->late)
		return;
	if (memory)
		mdi_region_find_place(trap->event.address, &trap->place);
	if (thread == NULL || thread->in_handler == 0) /* a walk is host code */
		trap->domain = mdi_backend_now->culprit(thread, context,
						       rights);
	if (event->kind == MDI_EVENT_ILLEGAL && trap->domain != NULL)
		trap->door = door_at(trap->pc);
	if (event->kind == MDI_EVENT_BREAKPOINT && trap->domain == NULL)
		trap->gadget = mdi_gadget_at(mdi_gadget_trapped_at(context));
	trap->where = where_is(trap);
	if (trap->domain != NULL && thread != NULL)
		decode_module(trap);
	if (trap->where == MDI_AT_HOST && thread != NULL && memory)
		mdi_handed_decode(trap);
	if (mdi_permit_begun() && trap->domain != NULL)
		trap->permits = mdi_permit_may(trap);
}

/* --- what it is asked --- */

static bool is_sent(const struct mdi_trap *trap)
{
	return !trap->event.raised;
}

static bool is_in_filter(const struct mdi_trap *trap)
{
	return trap->in_filter;
}

static bool has_no_frame(const struct mdi_trap *trap)
{
	return trap->no_frame;
}

static bool wants_mending(const struct mdi_trap *trap)
{
	return trap->mends;
}

static bool makes_thread(const struct mdi_trap *trap)
{
	return trap->where == MDI_AT_DOOR && trap->door == MDI_DOOR_THREAD;
}

/*
 * An unwinder that runs in the module has come to the gate, whose call-frame
 * information leads it to the frame (CFI_IN_MODULE).
 */
static bool wants_caller(const struct mdi_trap *trap)
{
	return trap->walks;
}

/* A thread without a gate has none to jump over. */
static bool may_jump(const struct mdi_trap *trap)
{
	return trap->where == MDI_AT_DOOR && trap->door == MODISO_FAULT_JUMP &&
	       (trap->stays || !trap->attached);
}

static bool ends_thread(const struct mdi_trap *trap)
{
	return trap->exception != NULL;
}

static bool is_allowed(const struct mdi_trap *trap)
{
	return trap->allowed;
}

static bool has_left(const struct mdi_trap *trap)
{
	return trap->left;
}

static bool is_permitted(const struct mdi_trap *trap)
{
	return trap->permits;
}

static bool is_answered(const struct mdi_trap *trap)
{
	return trap->answers;
}

static bool is_of_module(const struct mdi_trap *trap)
{
	return trap->domain != NULL && trap->attached;
}

static bool is_of_orphan(const struct mdi_trap *trap)
{
	return trap->domain != NULL;
}

/*
 * The selector says yes by now. It has said no where a guarded module has come
 * out by the way of one that is not guarded. On a thread that the library has
 * not armed the selector is somebody else's, and so is the signal.
 */
static bool is_hosts_call(const struct mdi_trap *trap)
{
	return trap->event.kind == MDI_EVENT_CALL && trap->armed;
}

/* An instruction of the host's that was taken away from modules. */
static bool is_taken_away(const struct mdi_trap *trap)
{
	return trap->gadget != NULL;
}

/* The host may do that: it lacks rights that it ought to have. */
static bool is_closed(const struct mdi_trap *trap)
{
	return trap->domain == NULL && mdi_event_is_segment(&trap->event) &&
	       trap->access != 0 &&
	       (trap->place.at == NULL ||
		(trap->place.at->access & trap->access) == trap->access);
}

static bool is_copying(const struct mdi_trap *trap)
{
	return trap->where == MDI_AT_COPY;
}

static bool is_handed(const struct mdi_trap *trap)
{
	return trap->handed;
}

/*
 * The order matters. What was sent says nothing of the code that it comes to. A
 * fault in a filter must not be told to a filter. The next two happen in gates,
 * where nobody is to blame. From there on it is a module's, if it is one's:
 * first what it asks for by a door, then what may be mended, then blame. The
 * host's own comes last.
 */
#define QUESTIONS(ASK) \
	ASK(is_sent, MDI_PASS) \
	ASK(is_in_filter, MDI_FILTER_FAULT) \
	ASK(has_no_frame, MDI_TOO_DEEP) \
	ASK(wants_mending, MDI_MEND) \
	ASK(makes_thread, MDI_MAKE_THREAD) \
	ASK(may_jump, MDI_GO_ON) \
	ASK(ends_thread, MDI_END_THREAD) \
	ASK(is_allowed, MDI_TRY_AGAIN) \
	ASK(wants_caller, MDI_WALK_ENDS) \
	ASK(has_left, MDI_LEFT) \
	ASK(is_permitted, MDI_PERMIT) \
	ASK(is_answered, MDI_ANSWER) \
	ASK(is_of_module, MDI_FAULT) \
	ASK(is_of_orphan, MDI_FAULT_ORPHAN) \
	ASK(is_hosts_call, MDI_CALL_AGAIN) \
	ASK(is_taken_away, MDI_CARRY_OUT) \
	ASK(is_closed, MDI_OPEN) \
	ASK(is_copying, MDI_COPY_FAILS) \
	ASK(is_handed, MDI_FAULT_HANDED)

/* A table, and not one of pointers: each fault is asked most of them. */
#define ROW(when, verdict) ROW_##when,
enum { QUESTIONS(ROW) };

#define ASK(when, verdict)                     \
	case ROW_##when:                       \
		if (when(trap)) {              \
			*row = ROW_##when + 1; \
			return verdict;        \
		}                              \
		__attribute__((fallthrough));

enum mdi_verdict mdi_trap_verdict(const struct mdi_trap *trap, unsigned *row)
{
	switch (*row) {
		QUESTIONS(ASK)
	default:
		break;
	}
	return MDI_PASS;
}
