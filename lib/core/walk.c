/* SPDX-License-Identifier: MIT */
#include "core/walk.h"

#include "arch/arch.h"
#include "core/cfi.h"
#include "core/gate.h"
#include "core/range.h"
#include "core/record.h"
#include "core/region.h"
#include "core/runtime.h"
#include "os/objects.h"
#include "os/process.h"

#include <errno.h>
#include <string.h>

/* modiso_fault.registers[n] is DWARF's register mdi_dwarf_register[n]. */

struct reader {
	const struct modiso_module *module;
	bool foreign;
	bool locked; /* by the caller */
	struct mdi_cfi object; /* the one that was found last */
	bool found;            /* whether it has call-frame information */
};

/*
 * What the module may read is in its regions; the stack of a thread that it
 * has made is host memory like any, which GUARD and READONLY leave readable.
 */
static bool may_read(const struct reader *reader, uintptr_t at, size_t length)
{
	if (mdi_range_reach(reader->module, at, length, MODISO_READ) == length)
		return true;
	return reader->foreign && mdi_region_at_or_above(at) != NULL
		       ? mdi_region_at_or_above(at)->node.base >= at + length
		       : reader->foreign;
}

static bool read_stack(const void *arg, uintptr_t at, void *to, size_t length)
{
	return may_read(arg, at, length) &&
	       mdi_range_copy(to, (const void *)at, length, (const void *)at) ==
		       0;
}

static bool find_image(uintptr_t pc, struct mdi_cfi *cfi, bool locked)
{
	const struct mdi_report_state *report = &mdi_core_state.report;
	bool found;

	if (report->unwind == NULL)
		return false;
	if (!locked)
		mdi_runtime_lock();
	found = report->unwind(pc, cfi);
	if (!locked)
		mdi_runtime_unlock();
	return found;
}

/* In an object that the dynamic linker knows. AS-Safe. */
static bool find_linked(uintptr_t pc, struct mdi_cfi *cfi)
{
	struct mdi_object object;

	if (!mdi_objects_unwind() || !mdi_object_find(pc, &object))
		return false;
	*cfi = (struct mdi_cfi){ object.base, object.end, object.unwind };
	return object.unwind != 0;
}

static bool find_code(uintptr_t pc, struct mdi_cfi *cfi, bool locked)
{
	return find_image(pc, cfi, locked) ? cfi->header != 0 :
					     find_linked(pc, cfi);
}

bool mdi_walk_object(uintptr_t pc, struct mdi_cfi *cfi)
{
	return find_code(pc, cfi, false);
}

/* One function calls another of the same file, mostly. */
static bool find_object(struct reader *reader, uintptr_t pc)
{
	const struct mdi_cfi *object = &reader->object;

	if (pc - object->base >= object->end - object->base) {
		reader->object = (struct mdi_cfi){0, 0, 0};
		reader->found =
			find_code(pc, &reader->object, reader->locked);
	}
	return reader->found;
}

/* --- where it begins --- */

static void from_registers(const struct modiso_fault *fault,
			   struct mdi_cfi_frame *frame)
{
	for (unsigned i = 0; i < MDI_CFI_REGISTERS; i++)
		frame->reg[mdi_dwarf_register[i]] = fault->registers[i];
	frame->known = (1u << MDI_CFI_REGISTERS) - 1;
	frame->exact = true;
}

/* A call has put its return address there, and changed nothing else. */
static bool from_call(const struct reader *reader, uintptr_t sp,
		      struct mdi_cfi_frame *frame)
{
	uintptr_t *pc = &frame->reg[MDI_CFI_PC];

	if (!read_stack(reader, sp, pc, sizeof(*pc)))
		return false;
	frame->reg[MDI_CFI_SP] = sp + sizeof(*pc);
	frame->exact = false;
	return true;
}

/* A service that the module may not call: of its registers one was kept. */
static bool from_service(const struct modiso_fault *fault,
			 const struct reader *reader,
			 struct mdi_cfi_frame *frame)
{
	memset(frame, 0, sizeof(*frame));
	frame->known = 1u << MDI_CFI_SP | 1u << MDI_CFI_PC;
	return from_call(reader, fault->sp, frame);
}

/* --- upwards --- */

static uint32_t end_of(enum mdi_cfi_result result)
{
	switch (result) {
	case MDI_CFI_OUTERMOST:
		return MODISO_FRAMES_OUTERMOST;
	case MDI_CFI_DAMAGED:
		return MODISO_FRAMES_DAMAGED;
	case MDI_CFI_STACK:
		return MODISO_FRAMES_STACK;
	case MDI_CFI_LOST:
		return MODISO_FRAMES_LOST;
	default:
		return MODISO_FRAMES_NO_INFO;
	}
}

/*
 * The first frame may be where no code is: a call through a pointer that led
 * nowhere, or to data. Then the return address is on top of the stack.
 */
static enum mdi_cfi_result step(const struct modiso_fault *fault,
				struct reader *reader,
				struct mdi_cfi_frame *frame)
{
	if (find_object(reader, frame->reg[MDI_CFI_PC]))
		return mdi_cfi_step(&reader->object, read_stack, reader, frame);
	if (!frame->exact || (fault->access != MODISO_EXEC &&
			      mdi_region_at(frame->reg[MDI_CFI_PC]) != NULL))
		return MDI_CFI_NONE;
	return from_call(reader, frame->reg[MDI_CFI_SP], frame) ? MDI_CFI_CALLER
								: MDI_CFI_STACK;
}

static uint32_t walk(struct modiso_fault *fault, struct reader *reader,
		     struct mdi_cfi_frame *frame)
{
	enum mdi_cfi_result result;
	uintptr_t pc;

	for (;;) {
		pc = frame->reg[MDI_CFI_PC];
		/* The doors are gates' code too; nobody is called by one. */
		if (!frame->exact && mdi_is_gate_code(pc))
			return MODISO_FRAMES_GATE;
		if (fault->frame_count == MODISO_FAULT_FRAMES)
			return MODISO_FRAMES_LIMIT;
		fault->frames[fault->frame_count++] = pc;
		result = step(fault, reader, frame);
		if (result != MDI_CFI_CALLER)
			return end_of(result);
	}
}

/* --- who has called a gate --- */

/* The linker's names. */
extern const char __start_mdi_call_text[] __attribute__((visibility("hidden"))),
	__stop_mdi_call_text[] __attribute__((visibility("hidden")));

/* It lies there itself: so there is such a part in each program. */
MDI_CALL_TEXT bool mdi_is_call_code(uintptr_t pc)
{
	return (pc >= (uintptr_t)__start_mdi_call_text &&
		pc < (uintptr_t)__stop_mdi_call_text) ||
	       mdi_is_gate_code(pc);
}

static bool read_host(const void *arg, uintptr_t at, void *to, size_t length)
{
	(void)arg;
	return mdi_range_copy(to, (const void *)at, length, (const void *)at) ==
	       0;
}

/* What a call leaves as it was is in the gate's frame; no more is needed. */
static void from_gate(const struct mdi_frame *gate, struct mdi_cfi_frame *frame)
{
	uintptr_t registers[MDI_REGISTERS];
	uint32_t known = mdi_frame_registers(gate, registers);

	memset(frame, 0, sizeof(*frame));
	for (unsigned i = 0; i < MDI_CFI_REGISTERS; i++) {
		if (!(known & 1u << i))
			continue;
		frame->reg[mdi_dwarf_register[i]] = registers[i];
		frame->known |= 1u << mdi_dwarf_register[i];
	}
}

/* More functions than there are between a program's code and its gate. */
#define CALL_FRAMES 4

uintptr_t mdi_walk_caller(const struct mdi_frame *gate)
{
	struct mdi_cfi_frame frame;
	struct mdi_cfi object;
	uintptr_t called_from;

	from_gate(gate, &frame);
	called_from = frame.reg[MDI_CFI_PC];
	if (mdi_core_state.runtime.options.flags & MODISO_INIT_NO_STACKS)
		return called_from;
	for (unsigned i = 0; mdi_is_call_code(frame.reg[MDI_CFI_PC]); i++)
		if (i == CALL_FRAMES ||
		    !find_linked(frame.reg[MDI_CFI_PC], &object) ||
		    mdi_cfi_step(&object, read_host, NULL, &frame) !=
			    MDI_CFI_CALLER)
			return called_from;
	return frame.reg[MDI_CFI_PC];
}

/* --- the instruction --- */

static size_t readable(struct reader *reader, uintptr_t pc, size_t length)
{
	const struct mdi_cfi *object = &reader->object;

	if (find_object(reader, pc) && pc >= object->base && pc < object->end)
		return object->end - pc < length ? object->end - pc : length;
	return mdi_range_reach(reader->module, pc, length, MODISO_READ);
}

static void record_instruction(struct modiso_fault *fault,
			       struct reader *reader)
{
	size_t length = sizeof(fault->instruction);
	size_t page = MDI_PAGE_SIZE - (fault->pc & (MDI_PAGE_SIZE - 1));

	length = readable(reader, fault->pc, length < page ? length : page);
	if (length != 0 &&
	    mdi_range_copy(fault->instruction, (const void *)fault->pc, length,
			   (const void *)fault->pc) == 0)
		fault->instruction_length = (uint32_t)length;
}

/*
 * Where modules on the way have called their services: what lies where the
 * record says so far. Nobody ends a module that a thread is inside of, or its
 * stack.
 */
static void record_sites(struct modiso_fault *fault)
{
	const struct modiso_region *stack;
	struct modiso_fault_call *call;
	const uintptr_t *at;

	for (uint32_t i = 0; i < fault->call_count; i++) {
		call = &fault->calls[i];
		at = (const uintptr_t *)call->service_pc;
		stack = at != NULL ? mdi_region_at(call->service_pc) : NULL;
		if (stack == NULL || stack->owner->id != call->module_id ||
		    stack->node.end - call->service_pc < sizeof(*at) ||
		    mdi_range_copy(&call->service_pc, at, sizeof(*at), at) != 0)
			call->service_pc = 0;
	}
}

/* They are not read. */
static void forget_sites(struct modiso_fault *fault)
{
	for (uint32_t i = 0; i < fault->call_count; i++)
		fault->calls[i].service_pc = 0;
}

static void record_frames(struct modiso_fault *fault, struct reader *reader)
{
	struct mdi_cfi_frame frame;

	record_sites(fault);
	if (mdi_record_at_service(fault)) {
		if (!from_service(fault, reader, &frame)) {
			fault->frames_end = MODISO_FRAMES_STACK;
			return;
		}
	} else {
		from_registers(fault, &frame);
		record_instruction(fault, reader);
	}
	fault->frames_end = walk(fault, reader, &frame);
}

static struct reader reader_of(const struct modiso_fault *fault, bool foreign)
{
	return (struct reader){
		.module = fault->module,
		.foreign =
			foreign && fault->confinement != MODISO_CONFINE_SEALED,
	};
}

static __attribute__((noinline)) void record(struct modiso_fault *fault,
					     bool foreign)
{
	struct reader reader = reader_of(fault, foreign);

	record_frames(fault, &reader);
}

void mdi_walk_record(struct modiso_fault *fault, bool foreign)
{
	if (mdi_core_state.runtime.options.flags & MODISO_INIT_NO_STACKS)
		forget_sites(fault);
	else
		record(fault, foreign);
}

/* Who has the lock goes on meanwhile; who waits for this module does not. */
#define LOCK_TRIES    100
#define LOCK_PAUSE_NS 100000u

static bool take_lock(void)
{
	uint32_t never = 0;

	for (unsigned i = 0; i < LOCK_TRIES; i++) {
		if (mdi_runtime_try_lock())
			return true;
		mdi_os_wait(&never, 0, LOCK_PAUSE_NS);
	}
	return false;
}

void mdi_walk_record_now(struct modiso_fault *fault, struct mdi_thread *thread)
{
	struct reader reader = reader_of(fault, thread == NULL);
	int saved = errno;

	if (!(mdi_core_state.runtime.options.flags & MODISO_INIT_NO_STACKS))
		reader.locked = take_lock();
	if (!reader.locked) {
		forget_sites(fault);
		return;
	}
	if (thread != NULL)
		thread->in_handler = MDI_IN_WALK;
	record_frames(fault, &reader);
	if (thread != NULL)
		thread->in_handler = 0;
	mdi_runtime_unlock();
	errno = saved;
}
