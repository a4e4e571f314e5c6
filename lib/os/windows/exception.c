/* SPDX-License-Identifier: MIT */
#include "os/windows/event.h"

/* What the processor's general protection fault comes with. */
#define NOWHERE (~(ULONG_PTR)0)

/*
 * What mdi_os_reserve() has reserved is closed, committed or not, and a region
 * opens it. Other pages that are reserved and no more cannot be opened: nothing
 * is there.
 */
static bool is_mapped(uintptr_t address)
{
	MEMORY_BASIC_INFORMATION piece;

	return VirtualQuery((void *)address, &piece, sizeof(piece)) != 0 &&
	       (piece.State == MEM_COMMIT ||
		(piece.State == MEM_RESERVE &&
		 piece.AllocationProtect == PAGE_NOACCESS));
}

/*
 * An address that is none, or an instruction that user code may not execute:
 * the system tells no address of these.
 */
static void read_access(struct mdi_event *event, const EXCEPTION_RECORD *record,
			bool known)
{
	uintptr_t address = (uintptr_t)record->ExceptionInformation[1];

	event->signo = MDI_SIGSEGV;
	if (address == NOWHERE && record->ExceptionInformation[0] == 0) {
		event->kind = MDI_EVENT_PRIVILEGED;
		event->code = MDI_SI_KERNEL;
		return;
	}
	event->address = address;
	if (known || is_mapped(address)) {
		event->kind = MDI_EVENT_PROTECTED;
		event->code = MDI_SEGV_ACCERR;
	} else {
		event->kind = MDI_EVENT_UNMAPPED;
		event->code = MDI_SEGV_MAPERR;
	}
}

static void set(struct mdi_event *event, enum mdi_event_kind kind, int signo)
{
	event->kind = kind;
	event->signo = signo;
	event->code = 1;
}

bool mdi_event_read(struct mdi_event *event, const EXCEPTION_RECORD *record,
		    bool known)
{
	*event = (struct mdi_event){ .key = MDI_EVENT_NO_KEY, .raised = true };
	switch (record->ExceptionCode) {
	case EXCEPTION_ACCESS_VIOLATION:
		read_access(event, record, known);
		return true;
	case EXCEPTION_IN_PAGE_ERROR:
		set(event, MDI_EVENT_BUS, MDI_SIGBUS);
		event->address = (uintptr_t)record->ExceptionInformation[1];
		return true;
	case EXCEPTION_GUARD_PAGE:
	case EXCEPTION_STACK_OVERFLOW:
		set(event, MDI_EVENT_PROTECTED, MDI_SIGSEGV);
		event->code = MDI_SEGV_ACCERR;
		event->address = (uintptr_t)record->ExceptionInformation[1];
		return true;
	case EXCEPTION_PRIV_INSTRUCTION:
		set(event, MDI_EVENT_PRIVILEGED, MDI_SIGSEGV);
		event->code = MDI_SI_KERNEL;
		return true;
	case EXCEPTION_DATATYPE_MISALIGNMENT:
		set(event, MDI_EVENT_BUS_NOWHERE, MDI_SIGBUS);
		return true;
	case EXCEPTION_ILLEGAL_INSTRUCTION:
		set(event, MDI_EVENT_ILLEGAL, MDI_SIGILL);
		return true;
	case EXCEPTION_INT_DIVIDE_BY_ZERO:
	case EXCEPTION_INT_OVERFLOW:
	case EXCEPTION_FLT_DENORMAL_OPERAND:
	case EXCEPTION_FLT_DIVIDE_BY_ZERO:
	case EXCEPTION_FLT_INEXACT_RESULT:
	case EXCEPTION_FLT_INVALID_OPERATION:
	case EXCEPTION_FLT_OVERFLOW:
	case EXCEPTION_FLT_STACK_CHECK:
	case EXCEPTION_FLT_UNDERFLOW:
	case STATUS_FLOAT_MULTIPLE_FAULTS:
	case STATUS_FLOAT_MULTIPLE_TRAPS:
		set(event, MDI_EVENT_ARITHMETIC, MDI_SIGFPE);
		return true;
	case EXCEPTION_BREAKPOINT:
		set(event, MDI_EVENT_BREAKPOINT, MDI_SIGTRAP);
		return true;
	case EXCEPTION_SINGLE_STEP:
		set(event, MDI_EVENT_STEP, MDI_SIGTRAP);
		return true;
	default:
		return false;
	}
}
