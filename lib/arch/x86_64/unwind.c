/* SPDX-License-Identifier: MIT */
#include "arch/x86_64/unwind.h"

#include "arch/x86_64/frame.h"
#include "os/misuse.h"

#include <unwind.h>

#define HIDDEN __attribute__((visibility("hidden")))

/* Return addresses of calls into modules and to services: see gate.h. */
extern HIDDEN const int32_t __start_mdi_module_sites[];
extern HIDDEN const int32_t __stop_mdi_module_sites[];
extern HIDDEN const int32_t __start_mdi_service_sites[];
extern HIDDEN const int32_t __stop_mdi_service_sites[];

/* Where the personality routines below send a thread: gate_common.S. */
extern const char mdi_unwind_thrown[], mdi_unwind_ending[], mdi_unwind_above[];

/* gate_pkey.S, gate_plain.S and signal.S name them. */
typedef _Unwind_Reason_Code personality(int version, _Unwind_Action actions,
					_Unwind_Exception_Class class,
					struct _Unwind_Exception *exception,
					struct _Unwind_Context *context);
personality mdi_unwind_module, mdi_unwind_service, mdi_unwind_handler;

/* The C++ run-time library's, in programs that have one. */
void *__cxa_begin_catch(void *exception) __attribute__((weak));
void __cxa_end_catch(void) __attribute__((weak));
void _ZSt9terminatev(void) __attribute__((weak)); /* std::terminate() */

/* "C++" in the class of the exceptions of any C++ compiler. */
#define CLASS_CXX(class) (((class) >> 8 & 0xffffff) == 0x432b2b)

/*
 * The CFA of an entry point's frame is right behind the address that the kernel
 * has pushed, and so is its context; the unwinder counts from the callee's.
 */
#define CONTEXT_FROM_CALLEE 16

static _Unwind_Reason_Code stop_here(_Unwind_Action actions, const char *label,
				     struct _Unwind_Exception *exception,
				     struct _Unwind_Context *context)
{
	if (actions & _UA_SEARCH_PHASE)
		return _URC_HANDLER_FOUND;
	_Unwind_SetGR(context, __builtin_eh_return_data_regno(0),
		      (uintptr_t)exception);
	_Unwind_SetIP(context, (uintptr_t)label);
	return _URC_INSTALL_CONTEXT;
}

/* The personality of gates. With the module's rights, on its stack. */
_Unwind_Reason_Code mdi_unwind_module(int version, _Unwind_Action actions,
				      _Unwind_Exception_Class class,
				      struct _Unwind_Exception *exception,
				      struct _Unwind_Context *context)
{
	(void)version;
	(void)class;
	if (!mdi_is_listed(__start_mdi_module_sites, __stop_mdi_module_sites,
			   _Unwind_GetIP(context)))
		return _URC_CONTINUE_UNWIND; /* the gate's own C code */
	return stop_here(actions,
			 actions & _UA_FORCE_UNWIND ? mdi_unwind_ending :
						      mdi_unwind_thrown,
			 exception, context);
}

/* What a service thunk has pushed last is the end of its caller's frame. */
static bool is_innermost(struct _Unwind_Context *context)
{
	const struct mdi_thread *thread = mdi_thread_self();
	const uintptr_t *pushed = (const uintptr_t *)_Unwind_GetCFA(context);

	return thread != NULL && (uintptr_t)thread->frame == *pushed;
}

/* The personality of service thunks. With the host's rights, on its stack. */
_Unwind_Reason_Code mdi_unwind_service(int version, _Unwind_Action actions,
				       _Unwind_Exception_Class class,
				       struct _Unwind_Exception *exception,
				       struct _Unwind_Context *context)
{
	(void)version;
	(void)class;
	if (!mdi_is_listed(__start_mdi_service_sites, __stop_mdi_service_sites,
			   _Unwind_GetIP(context)))
		return _URC_CONTINUE_UNWIND;
	if (!is_innermost(context))
		mdi_arch_state.entries.frames_switched();
	return stop_here(actions, mdi_unwind_above, exception, context);
}

/* The personality of what stands in front of the host's signal handlers. */
_Unwind_Reason_Code mdi_unwind_handler(int version, _Unwind_Action actions,
				       _Unwind_Exception_Class class,
				       struct _Unwind_Exception *exception,
				       struct _Unwind_Context *context)
{
	const char *callee = (const char *)_Unwind_GetCFA(context);

	(void)version;
	(void)class;
	if (!mdi_arch_state.entries.unwind_interrupted(
		    callee + CONTEXT_FROM_CALLEE))
		return _URC_CONTINUE_UNWIND; /* it has interrupted host code */
	return stop_here(actions, mdi_unwind_above, exception, context);
}

/*
 * In the module, with its rights: the exception ends here, and its destructor
 * is the module's.
 */
void mdi_unwind_drop(struct _Unwind_Exception *exception);

void mdi_unwind_drop(struct _Unwind_Exception *exception)
{
	if (CLASS_CXX(exception->exception_class) &&
	    __cxa_begin_catch != NULL && __cxa_end_catch != NULL) {
		__cxa_begin_catch(exception);
		__cxa_end_catch();
	} else {
		_Unwind_DeleteException(exception);
	}
}

/* Word 6; the C library hides it behind a secret of the thread's. */
uintptr_t mdi_jump_sp(const void *jmp_buf)
{
	uintptr_t sp = ((const uintptr_t *)jmp_buf)[6];

	__asm__("rorq $17, %0\n\txorq %%fs:48, %0" : "+r"(sp));
	return sp;
}

void mdi_unwind_go_on(void *exception)
{
	struct _Unwind_Exception *what = exception;

	_Unwind_Resume_or_Rethrow(what);
	/* The end of the stack: what throw does then. */
	if (CLASS_CXX(what->exception_class) && __cxa_begin_catch != NULL &&
	    _ZSt9terminatev != NULL) {
		__cxa_begin_catch(what);
		_ZSt9terminatev();
	}
	mdi_misuse("an exception left a service, or a signal handler that "
		   "interrupted a module, and nobody catches it");
}
