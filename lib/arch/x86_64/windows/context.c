/* SPDX-License-Identifier: MIT */
#include "arch/context.h"

#include "arch/x86_64/frame.h"
#include "arch/x86_64/windows/trap.h"

#include <modiso/region.h>

#define EFLAGS_TF 0x100u

#define X87_EXCEPTIONS 0x3f
#define X87_CONTROL    0x37f /* as a new process has it */

/* What an access violation says of the access. */
#define TRIED_WRITE   1
#define TRIED_EXECUTE 8
/* Its address, when the system knows neither that nor what was tried. */
#define NOWHERE       (~(ULONG_PTR)0)

/* There are no keys. */
uint32_t *mdi_context_rights(struct mdi_context *context, uint32_t offset)
{
	(void)context;
	(void)offset;
	return NULL;
}

void mdi_context_set_rights(struct mdi_context *context, uint32_t offset,
			    uint32_t rights)
{
	(void)context;
	(void)offset;
	(void)rights;
}

void mdi_context_late_drop(struct mdi_context *context)
{
	XMM_SAVE_AREA32 *x87 = &context->machine->FltSave;

	x87->ControlWord = X87_CONTROL;
	x87->StatusWord = 0;
	x87->TagWord = 0; /* all are empty */
}

/*
 * Vectors stay as the module had them: they are scratch to who has called a
 * gate, and mdi_gate_recover() loads what is not. MXCSR is among the latter.
 */
void mdi_context_redirect(struct mdi_context *context, const void *label,
			  uintptr_t sp, uintptr_t block)
{
	CONTEXT *machine = context->machine;

	mdi_context_late_drop(context);
	machine->Rip = (uintptr_t)mdi_redirected;
	machine->Rsp = sp;
	machine->R12 = block;
	machine->R13 = (uintptr_t)label;
	machine->EFlags = CLEAN_FLAGS_VALUE;
}

void mdi_context_drop_fpu(struct mdi_context *context)
{
	mdi_context_late_drop(context);
}

uint64_t mdi_context_step(struct mdi_context *context)
{
	context->machine->EFlags |= EFLAGS_TF;
	return 0;
}

/* The system has cleared the flag when it tells of a step. */
bool mdi_context_steps(const struct mdi_context *context)
{
	return context->machine->EFlags & EFLAGS_TF ||
	       context->record->ExceptionCode == EXCEPTION_SINGLE_STEP;
}

void mdi_context_step_over(struct mdi_context *context, uint64_t mask)
{
	(void)mask;
	context->machine->EFlags &= ~EFLAGS_TF;
}

uintptr_t mdi_context_pc(const struct mdi_context *context)
{
	return context->machine->Rip;
}

void mdi_context_set_pc(struct mdi_context *context, const void *pc)
{
	context->machine->Rip = (uintptr_t)pc;
}

uintptr_t mdi_context_sp(const struct mdi_context *context)
{
	return context->machine->Rsp;
}

/* In a CONTEXT they stand in the order of their numbers. */
void mdi_context_set_register(struct mdi_context *context, unsigned number,
			      uintptr_t value)
{
	(&context->machine->Rax)[number] = value;
}

void mdi_context_registers(const struct mdi_context *context,
			   uintptr_t out[MDI_REGISTERS])
{
	static const uint8_t number[16] = { 0, 3, 1, 2,  6,  7,	 5,  4,
					    8, 9, 10, 11, 12, 13, 14, 15 };
	const CONTEXT *machine = context->machine;

	for (size_t i = 0; i < MDI_COUNT(number); i++)
		out[i] = (&machine->Rax)[number[i]];
	out[16] = machine->Rip;
	out[17] = machine->EFlags;
}

uint32_t mdi_context_access(const struct mdi_context *context)
{
	const EXCEPTION_RECORD *record = context->record;

	if (record->NumberParameters < 2 ||
	    record->ExceptionInformation[1] == NOWHERE)
		return 0;
	switch (record->ExceptionInformation[0]) {
	case TRIED_WRITE:
		return MODISO_WRITE;
	case TRIED_EXECUTE:
		return MODISO_EXEC;
	default:
		return MODISO_READ;
	}
}

bool mdi_gate_wants_mending(uintptr_t pc)
{
	(void)pc;
	return false;
}

bool mdi_context_mend(struct mdi_context *context, struct mdi_thread *thread)
{
	(void)context;
	(void)thread;
	return false;
}

bool mdi_context_late_wanted(const struct mdi_context *context,
			     const struct mdi_frame *frame)
{
	return (context->machine->FltSave.StatusWord & ~frame->x87_control &
		X87_EXCEPTIONS) != 0;
}

uintptr_t mdi_context_late_pc(const struct mdi_context *context)
{
	return context->machine->FltSave.ErrorOffset;
}

/* --- modules whose system calls are guarded: there are none --- */

uintptr_t mdi_context_resume(const struct mdi_context *context,
			     struct mdi_thread *thread,
			     struct mdi_resume_words *words, uint32_t offset,
			     uint32_t rights)
{
	(void)context;
	(void)thread;
	(void)words;
	(void)offset;
	(void)rights;
	return 0;
}

void mdi_context_settle(struct mdi_context *context, struct mdi_thread *thread,
			const struct mdi_resume_words *words, uint32_t offset)
{
	(void)context;
	(void)thread;
	(void)words;
	(void)offset;
}

void mdi_context_store_again(struct mdi_context *context)
{
	(void)context;
}

void mdi_context_call_again(struct mdi_context *context)
{
	(void)context;
}

void mdi_context_call_result(struct mdi_context *context, intptr_t result)
{
	context->machine->Rax = (uintptr_t)result;
}

void mdi_context_call_arguments(const struct mdi_context *context, bool narrow,
				uintptr_t out[6])
{
	const CONTEXT *machine = context->machine;

	(void)narrow;
	out[0] = machine->Rdi;
	out[1] = machine->Rsi;
	out[2] = machine->Rdx;
	out[3] = machine->R10;
	out[4] = machine->R8;
	out[5] = machine->R9;
}

/* --- gates with keys: there are none --- */

bool mdi_is_gate_begin(uintptr_t pc)
{
	(void)pc;
	return false;
}
