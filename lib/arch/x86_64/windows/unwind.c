/* SPDX-License-Identifier: MIT */
/*
 * No unwinder meets a gate here: the system's goes by the limits of the stack
 * that the TEB names, and a module's is not among them. So what a module throws
 * ends its call at once, whoever would have caught it.
 */
#include "arch/x86_64/unwind.h"

#include "arch/arch.h"
#include "arch/x86_64/windows/trap.h"
#include "os/misuse.h"

#include <setjmp.h>
#include <unwind.h>

struct mdi_signal_entries {
	uint32_t unused;
};
const struct mdi_signal_entries mdi_entries_plain;

/* gate_common.S has both. */
extern const char mdi_unwind_thrown[];
MODISO_CALL void mdi_unwind_drop(struct _Unwind_Exception *exception);

/* The C++ run-time library's, in programs that have one. */
void *__cxa_begin_catch(void *exception) __attribute__((weak));
void __cxa_end_catch(void) __attribute__((weak));

/* By a pointer: code reaches no address that is 0. */
static void *(*volatile const begin_catch)(void *) = __cxa_begin_catch;
static void (*volatile const end_catch)(void) = __cxa_end_catch;

/* "C++" in the class of the exceptions of any C++ compiler. */
#define CLASS_CXX(class) (((class) >> 8 & 0xffffff) == 0x432b2b)

/* What run-time libraries raise: gcc's two, and that of Microsoft's throw. */
#define GCC_THROWS  0x20474343u
#define GCC_FORCES  0x22474343u
#define CXX_THROWS  0xe06d7363u

/* EXCEPTION_UNWINDING, EXCEPTION_EXIT_UNWIND and the like. */
#define UNWINDING 0x66u

/* Below what the functions that raise it have on their stack. */
#define BELOW 256

static bool is_thrown(const EXCEPTION_RECORD *record)
{
	return record->ExceptionCode == GCC_THROWS ||
	       record->ExceptionCode == GCC_FORCES ||
	       record->ExceptionCode == CXX_THROWS;
}

bool mdi_unwind_begins(struct mdi_context *context)
{
	const EXCEPTION_RECORD *record = context->record;
	CONTEXT *machine = context->machine;

	if (!is_thrown(record))
		return false;
	machine->Rax = record->ExceptionCode == CXX_THROWS ?
			       0 :
			       record->ExceptionInformation[0];
	machine->Rip = (uintptr_t)mdi_unwind_thrown;
	machine->Rsp = (machine->Rsp - BELOW) & ~(uintptr_t)15;
	return true;
}

/*
 * In the module, with its rights: the exception ends here, and its destructor
 * is the module's.
 */
MODISO_CALL void mdi_unwind_drop(struct _Unwind_Exception *exception)
{
	if (exception == NULL)
		return;
	if (CLASS_CXX(exception->exception_class) && begin_catch != NULL &&
	    end_catch != NULL) {
		begin_catch(exception);
		end_catch();
	} else if (exception->exception_cleanup != NULL) {
		exception->exception_cleanup(_URC_FOREIGN_EXCEPTION_CAUGHT,
					     exception);
	}
}

uintptr_t mdi_jump_sp(const void *jmp_buf)
{
	return ((const _JUMP_BUFFER *)jmp_buf)->Rsp;
}

/* No caller but the system's unwinder: see UNWIND_TO() in os/windows/asm.h. */
EXCEPTION_DISPOSITION mdi_unwind_service(EXCEPTION_RECORD *record, void *frame,
					 CONTEXT *context, void *dispatcher);

/*
 * Nothing in the service catches it. The module's frames cannot be gone over
 * for what was thrown; a fault of the host's is for who comes behind.
 */
EXCEPTION_DISPOSITION mdi_unwind_service(EXCEPTION_RECORD *record, void *frame,
					 CONTEXT *context, void *dispatcher)
{
	(void)frame;
	(void)context;
	(void)dispatcher;
	/* Or the host jumps by longjmp(). */
	if (!is_thrown(record) || record->ExceptionFlags & UNWINDING)
		return ExceptionContinueSearch;
	mdi_unwind_go_on(NULL);
}

void mdi_unwind_go_on(void *exception)
{
	(void)exception;
	mdi_misuse("an exception left a service, and cannot be carried over "
		   "the module's frames on this system");
}

/* --- fibers: always by C, as no signal comes in between --- */

int mdi_fiber_switch_plain(struct mdi_thread *to,
			   int (*otherwise)(struct mdi_thread *to))
{
	return otherwise(to);
}

/* GS is the TEB's, and no module's to change. */
void mdi_block_base_set(uintptr_t base)
{
	(void)base;
}
