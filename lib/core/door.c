/* SPDX-License-Identifier: MIT */
#include "core/door.h"

#include "os/libc.h"

/* No thread's own data is longer than that: the C library's struct pthread. */
#define THREAD_DATA_SIZE 4096

uint32_t mdi_door_kind(uintptr_t pc)
{
	if (pc == (uintptr_t)mdi_door_exception ||
	    pc == (uintptr_t)mdi_door_ending)
		return MODISO_FAULT_EXCEPTION;
	if (pc == (uintptr_t)mdi_door_exit)
		return MODISO_FAULT_EXIT;
	if (pc == (uintptr_t)mdi_door_abort)
		return MODISO_FAULT_ABORT;
	if (pc == (uintptr_t)mdi_door_jump)
		return MODISO_FAULT_JUMP;
	return MODISO_FAULT_NONE;
}

/*
 * The exception of pthread_exit(3) lies in the thread's own data, and says
 * which function of the C library unwinds. Under GUARD that memory is as good
 * as the host's stack; a module that is confined cannot have written it, so it
 * has not called pthread_exit(3) either.
 */
void *mdi_door_ending_of(const struct mdi_thread *thread,
			 const struct modiso_module *module,
			 const struct mdi_context *context)
{
	uintptr_t exception;

	if (mdi_context_pc(context) != (uintptr_t)mdi_door_ending ||
	    module->domain.confinement != MODISO_CONFINE_GUARD)
		return NULL;
	exception = mdi_context_argument(context, 0);
	if (exception - thread->thread_pointer >= THREAD_DATA_SIZE)
		return NULL;
	return (void *)exception;
}

void mdi_door_record(struct modiso_fault *fault)
{
	fault->signo = 0;
	fault->code = 0;
	if (fault->kind == MODISO_FAULT_EXIT)
		fault->code =
			(int32_t)mdi_registers_argument(fault->registers, 0);
}

void mdi_door_carry_out(const struct modiso_fault *fault)
{
	if (fault->kind != MODISO_FAULT_EXIT)
		mdi_abort(); /* as std::terminate() */
	mdi_libc_exit(fault->code,
		      (unsigned)mdi_registers_argument(fault->registers, 1));
}

/* --- asked by the C library's functions --- */

bool mdi_door_is_module(void)
{
	/* A backend of a unit test has no handler that knows doors. */
	const struct mdi_backend *backend = mdi_backend_running();

	return backend != NULL && backend->entries != NULL &&
	       backend->inside();
}

/*
 * With keys the new thread has the module's rights for as long as it lives, and
 * these keys must not become another module's.
 */
void mdi_door_before_thread(void)
{
	if (mdi_door_is_module())
		mdi_door_open_thread();
}

void mdi_door_before_abort(void)
{
	if (mdi_door_is_module())
		mdi_door_open_abort();
}

void mdi_door_before_exit(int status, unsigned how)
{
	if (mdi_door_is_module())
		mdi_door_open_exit(status, how);
}
