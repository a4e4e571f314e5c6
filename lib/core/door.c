/* SPDX-License-Identifier: MIT */
#include "core/door.h"

#include "core/gate.h"
#include "os/libc.h"

#include <stdlib.h>

/* No thread's own data is longer than that: the C library's struct pthread. */
#define THREAD_DATA_SIZE 4096

/* In struct modiso_fault.registers. */
#define REGISTER_RSI 4
#define REGISTER_RDI 5

uint32_t mdi_door_kind(uintptr_t pc)
{
	if (pc == (uintptr_t)mdi_door_exception ||
	    pc == (uintptr_t)mdi_door_ending)
		return MODISO_FAULT_EXCEPTION;
	if (pc == (uintptr_t)mdi_door_exit)
		return MODISO_FAULT_EXIT;
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
			 const ucontext_t *context)
{
	uintptr_t registers[18];

	if (mdi_context_pc(context) != (uintptr_t)mdi_door_ending ||
	    module->domain.confinement != MODISO_CONFINE_GUARD)
		return NULL;
	mdi_context_registers(context, registers);
	if (registers[REGISTER_RDI] - thread->fs_base >= THREAD_DATA_SIZE)
		return NULL;
	return (void *)registers[REGISTER_RDI];
}

void mdi_door_record(struct modiso_fault *fault)
{
	fault->signo = 0;
	fault->code = 0;
	if (fault->kind == MODISO_FAULT_EXIT)
		fault->code = (int32_t)fault->registers[REGISTER_RDI];
}

void mdi_door_carry_out(const struct modiso_fault *fault)
{
	if (fault->kind != MODISO_FAULT_EXIT)
		abort(); /* as std::terminate() */
	mdi_libc_exit(fault->code, (unsigned)fault->registers[REGISTER_RSI]);
}

void mdi_libc_before_exit(int status, unsigned how)
{
	/* A backend of a unit test has no handler that knows doors. */
	if (mdi_backend_now != NULL && mdi_backend_now->signal_entry != NULL &&
	    mdi_backend_now->inside())
		mdi_door_open_exit(status, how);
}
