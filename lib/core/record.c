/* SPDX-License-Identifier: MIT */
#include "core/record.h"

#include "arch/arch.h"
#include "core/beside.h"
#include "core/door.h"
#include "core/gate.h"
#include "core/frames.h"
#include "core/range.h"
#include "core/region.h"
#include "core/service.h"
#include "core/state.h"
#include "core/walk.h"
#include "os/process.h"

#include <string.h>

/* How much of a stack may be left when an access beyond its end is its own. */
#define STACK_SLACK ((uintptr_t)4096)
/* An access this far below the stack pointer's page is still the stack's. */
#define STACK_REACH ((uintptr_t)4 * 1024 * 1024)

static struct mdi_record_state *const own = &mdi_core_state.record;

/*
 * Off the end of the stack: the access is in a guard page or near the stack
 * pointer, and the stack pointer has left the stack or is about to. A stray
 * pointer that happens to hit a guard page is not that.
 */
static bool ran_off_stack(const struct modiso_module *module, uintptr_t sp,
			  uintptr_t address)
{
	const struct modiso_region *stack;
	uintptr_t low;

	if (address - (sp - STACK_REACH) >= 2 * STACK_REACH)
		return false; /* too far for what is asked below */
	stack = mdi_region_at_or_above(sp);
	/* Right below the guard page lie other pages of the module's. */
	if (stack == NULL || !stack->stack)
		stack = mdi_region_at(address);
	if (stack == NULL || !stack->stack || stack->owner != module)
		return false;
	low = mdi_region_start(stack);
	if (sp >= low + STACK_SLACK || (sp < low && low - sp > STACK_REACH))
		return false;
	return address < low && address + STACK_REACH > sp;
}

static bool has_address(enum mdi_event_kind kind)
{
	return kind != MDI_EVENT_PRIVILEGED && kind != MDI_EVENT_BUS_NOWHERE;
}

static uint32_t kind_of(const struct mdi_trap *trap,
			const struct modiso_module *module)
{
	enum mdi_event_kind kind = trap->event.kind;

	if (mdi_event_is_memory(&trap->event) && has_address(kind) &&
	    ran_off_stack(module, trap->sp, trap->event.address))
		return MODISO_FAULT_STACK;
	switch (kind) {
	case MDI_EVENT_PROTECTED:
	case MDI_EVENT_KEY:
	case MDI_EVENT_MEMORY:
		return MODISO_FAULT_ACCESS;
	case MDI_EVENT_UNMAPPED:
		return MODISO_FAULT_UNMAPPED;
	case MDI_EVENT_PRIVILEGED:
		return MODISO_FAULT_PRIVILEGED;
	case MDI_EVENT_VOID:
		return mdi_beside_is_void(trap) ? MODISO_FAULT_ACCESS :
						  MODISO_FAULT_BUS;
	case MDI_EVENT_BUS:
	case MDI_EVENT_BUS_NOWHERE:
		return MODISO_FAULT_BUS;
	case MDI_EVENT_ILLEGAL:
		return MODISO_FAULT_ILLEGAL;
	case MDI_EVENT_ARITHMETIC:
		return MODISO_FAULT_ARITHMETIC;
	case MDI_EVENT_BREAKPOINT:
	case MDI_EVENT_STEP:
		return MODISO_FAULT_TRAP;
	case MDI_EVENT_TIMEOUT:
		return MODISO_FAULT_TIMEOUT;
	case MDI_EVENT_SYSCALL:
	case MDI_EVENT_CALL:
		break;
	}
	return MODISO_FAULT_SYSCALL;
}

/* From an array of the same size, zero behind the name. */
static void copy_name(char *to, const char *from)
{
	memcpy(to, from, MODISO_NAME_SIZE - 1);
	to[MODISO_NAME_SIZE - 1] = '\0';
}

/* All but the two long lists: their counts say how much of them is there. */
static void clear(struct modiso_fault *fault)
{
	const size_t counts = offsetof(struct modiso_fault, frame_count);
	const size_t calls = offsetof(struct modiso_fault, calls);
	const size_t rest = calls + sizeof(fault->calls);

	memset(fault, 0, offsetof(struct modiso_fault, frames));
	memset((char *)fault + counts, 0, calls - counts);
	memset((char *)fault + rest, 0, sizeof(*fault) - rest);
}

/* It lies where the call's end will have its own frames. */
static void record_request(struct modiso_fault *fault,
			   const struct mdi_frame *frame)
{
	if (frame != NULL && frame->service_sp > MDI_INTERRUPTED)
		fault->calls[0].service_request =
			*mdi_service_first_words(frame);
}

void mdi_record_module(struct modiso_fault *fault,
		       const struct mdi_thread *thread,
		       struct modiso_module *module)
{
	clear(fault);
	fault->struct_size = sizeof(*fault);
	fault->number = __atomic_add_fetch(&own->numbers, 1, __ATOMIC_RELAXED);
	fault->time_ns = mdi_os_now_ns();
	fault->module = module;
	fault->module_id = module->id;
	copy_name(fault->module_name, module->name);
	fault->thread = thread ? thread->tid : mdi_os_thread_id();
	fault->pkey = -1;
	if (thread != NULL) {
		fault->depth = mdi_thread_depth(thread);
		record_request(fault, mdi_frame_top(thread));
	}
	fault->confinement = module->domain.confinement;
}

static void record_region(struct modiso_fault *fault,
			  const struct modiso_region *region)
{
	const struct modiso_module *owner = region->owner;

	fault->region_base = region->node.base;
	fault->region_length = region->node.end - region->node.base;
	fault->region_offset = fault->address - region->node.base;
	copy_name(fault->region_name, region->name);
	if (owner->domain.kind == MDI_DOMAIN_MODULE) {
		fault->owner = region->owner;
		fault->owner_id = owner->id;
	}
	copy_name(fault->owner_name, owner->name);
}

static void record_access(struct modiso_fault *fault,
			  const struct mdi_trap *trap)
{
	fault->address = trap->event.address;
	fault->access = trap->access;
	fault->pkey = trap->event.key;
	if (trap->place.at != NULL)
		record_region(fault, trap->place.at);
	if (has_address(trap->event.kind))
		mdi_beside_record(fault, trap);
}

static void name_kind(struct modiso_fault *fault, const struct mdi_trap *trap)
{
	if (trap->where == MDI_AT_DOOR && trap->door != MDI_DOOR_THREAD) {
		fault->kind = trap->door;
		mdi_door_record(fault);
	} else if (mdi_is_gate_code(trap->pc) &&
		   trap->event.kind != MDI_EVENT_TIMEOUT &&
		   trap->event.kind != MDI_EVENT_CALL &&
		   !mdi_event_is_segment(&trap->event)) {
		fault->kind = MODISO_FAULT_GATE;
	} else {
		fault->kind = kind_of(trap, fault->module);
	}
}

static void record_call(struct modiso_fault *fault, const struct mdi_trap *trap)
{
	fault->syscall_number = trap->event.call;
	fault->syscall_arch = trap->event.call_arch;
	mdi_context_call_arguments(trap->context,
				   mdi_event_call_is_narrow(&trap->event),
				   fault->syscall_args);
}

void mdi_record_state(struct modiso_fault *fault, const struct mdi_trap *trap)
{
	fault->signo = trap->event.signo;
	fault->code = trap->event.code;
	fault->pc = trap->pc;
	fault->sp = trap->sp;
	mdi_context_registers(trap->context, fault->registers);
	fault->pkru = trap->rights;
	if (mdi_event_is_memory(&trap->event))
		record_access(fault, trap);
	name_kind(fault, trap);
	if (trap->event.kind == MDI_EVENT_SYSCALL ||
	    trap->event.kind == MDI_EVENT_CALL)
		record_call(fault, trap);
}

/* Where host code called the gate of a frame: what its call has left there. */
static uintptr_t called_from(const struct mdi_frame *frame)
{
	uintptr_t pc;

	memcpy(&pc, (const void *)frame->sp, sizeof(pc));
	return pc;
}

void mdi_record_host(struct modiso_fault *fault, const struct mdi_frame *frame)
{
	fault->host_pc = called_from(frame);
	fault->host_sp = frame->sp + sizeof(fault->host_pc);
}

/* What it was asked for is known already of one that has ended the call. */
static void record_service(struct modiso_fault_call *call,
			   const struct mdi_frame *frame, bool serves,
			   bool ended)
{
	const char *name = serves ? mdi_service_name(frame->service) : "";

	strncpy(call->service_name, name, MODISO_NAME_SIZE - 1);
	call->service_name[MODISO_NAME_SIZE - 1] = '\0';
	if (!serves)
		call->service_request = 0;
	else if (!ended)
		call->service_request = *mdi_service_first_words(frame);
	/* Where it lies, until mdi_walk_record() has read it. */
	call->service_pc = serves ? frame->service_sp : 0;
}

static void record_all_words(struct modiso_fault *fault,
			     const struct mdi_frame *frame)
{
	fault->service_words = MDI_COUNT(fault->syscall_args);
	memcpy(fault->syscall_args, mdi_service_words(frame),
	       sizeof(fault->syscall_args));
}

/*
 * What the service was called with that the module stands in: of an event that
 * has words of its own nobody asks for these.
 */
static void record_words(struct modiso_fault *fault,
			 const struct mdi_frame *frame)
{
	if (fault->kind == MODISO_FAULT_SYSCALL ||
	    fault->kind == MODISO_FAULT_SERVICE ||
	    frame->service_sp == MDI_INTERRUPTED)
		return;
	if (mdi_service_words_kept(frame->service)) {
		record_all_words(fault, frame);
		return;
	}
	fault->service_words = MDI_SERVICE_FIRST;
	memcpy(fault->syscall_args, mdi_service_first_words(frame),
	       MDI_SERVICE_FIRST * sizeof(*fault->syscall_args));
}

void mdi_record_calls(struct modiso_fault *fault,
		      const struct mdi_thread *thread)
{
	const struct mdi_frame *frame = mdi_frame_top(thread);
	struct modiso_fault_call *call = fault->calls;

	for (; frame >= mdi_thread_frames(thread) &&
	       fault->call_count < MODISO_FAULT_CALLS;
	     frame--, call++, fault->call_count++) {
		const struct modiso_module *module =
			mdi_domain_module(mdi_frame_domain(frame));

		call->module_id = module->id;
		copy_name(call->module_name, module->name);
		/* The innermost one's caller is still to come back to. */
		call->host_pc = call == fault->calls ? called_from(frame)
						     : mdi_walk_caller(frame);
		record_service(call, frame,
			       frame->service_sp > MDI_INTERRUPTED &&
				       (call != fault->calls ||
					fault->kind != MODISO_FAULT_SERVICE),
			       call == fault->calls);
		if (call == &fault->calls[1])
			record_words(fault, frame);
	}
}

void mdi_record_refusal(struct modiso_fault *fault,
			const struct mdi_thread *thread, const char *service,
			uintptr_t sp)
{
	const struct mdi_frame *frame = mdi_frame_top(thread);

	mdi_record_module(fault, thread,
			  mdi_domain_module(mdi_frame_domain(frame)));
	fault->kind = MODISO_FAULT_SERVICE;
	fault->sp = sp;
	strncpy(fault->region_name, service, MODISO_NAME_SIZE - 1);
	record_all_words(fault, frame);
}

static void record_pointer(struct modiso_fault *fault, uintptr_t address)
{
	const struct modiso_region *region = mdi_region_at(address);
	bool reads = mdi_range_reach(fault->module, address, 1, MODISO_READ);

	fault->address = address;
	fault->access = reads ? MODISO_WRITE : MODISO_READ;
	if (region != NULL)
		record_region(fault, region);
}

void mdi_record_in_service(struct modiso_fault *fault,
			   const struct mdi_thread *thread, uint32_t kind,
			   uintptr_t detail)
{
	const struct mdi_frame *frame = mdi_frame_top(thread);

	mdi_record_module(fault, thread,
			  mdi_domain_module(mdi_frame_domain(frame)));
	fault->kind = kind;
	fault->sp = frame->service_sp;
	if (kind == MODISO_FAULT_ACCESS)
		record_pointer(fault, detail);
	else if (kind == MODISO_FAULT_EXIT)
		fault->code = (int32_t)detail;
}
