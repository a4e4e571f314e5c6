/* SPDX-License-Identifier: MIT */
/*
 * Faults of a module that has called a service: it may not, or the service
 * cannot go on with what it was handed. They are found by host code, on the
 * host's stack with the host's rights; no signal is there.
 */
#include "core/fault.h"

#include "core/frames.h"
#include "core/notify.h"
#include "core/record.h"
#include "core/recorder.h"
#include "core/unmark.h"
#include "os/tracepoint.h"

/* The record is whole: the call ends when the thread comes to the gate. */
static void tell(struct mdi_thread *thread, uintptr_t sp)
{
	struct modiso_fault *fault = &thread->fault;

	mdi_recorder_fault(thread, fault);
	MDI_PROBE4(fault, fault->module_name, fault->kind, fault->address,
		   fault->pc);
	mdi_notify_ask(thread, fault); /* nothing can be tried again */
	mdi_fault_counter++;
	thread->status = MODISO_ERR_FAULT;
	thread->left_sp = sp;
}

void mdi_fault_service(struct mdi_thread *thread, const char *service,
		       uintptr_t sp)
{
	mdi_record_refusal(&thread->fault, thread, service, sp);
	tell(thread, sp);
}

MDI_NORETURN void mdi_fault_in_service(struct mdi_thread *thread,
				       uint32_t kind, uintptr_t detail)
{
	const struct mdi_frame *frame = mdi_frame_top(thread);
	uintptr_t sp = frame->service_sp;

	mdi_record_in_service(&thread->fault, thread, kind, detail);
	tell(thread, sp);
	mdi_unmark_host(frame, (uintptr_t)__builtin_frame_address(0));
	mdi_gate_unwind(mdi_thread_block(thread), frame->sp);
}
