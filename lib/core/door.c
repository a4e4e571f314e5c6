/* SPDX-License-Identifier: MIT */
#include "core/door.h"

#include "core/altstack.h"
#include "core/frames.h"
#include "core/gate.h"
#include "core/region.h"
#include "core/thread.h"
#include "os/libc.h"
#include "os/maps.h"

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
		mdi_abort(); /* as std::terminate() */
	mdi_libc_exit(fault->code, (unsigned)fault->registers[REGISTER_RSI]);
}

/* --- jumps --- */

/* Nearer than that two addresses may be on the same stack of the host's. */
#define STACK_REACH ((uintptr_t)64 * 1024 * 1024)

/* A jump of module code this short stays on its stack: no need to ask. */
#define SHORT_JUMP ((uintptr_t)64 * 1024)

static bool same_stack(uintptr_t a, uintptr_t b)
{
	uintptr_t distance = a < b ? b - a : a - b;

	return distance < STACK_REACH && mdi_maps_together(a, b);
}

static bool on_host_stack(const struct mdi_thread *thread, uintptr_t sp)
{
	const struct mdi_frame *frame = mdi_thread_frames(thread);

	for (; frame < thread->frame; frame++)
		if (same_stack(mdi_frame_called_at(frame), sp))
			return true;
	return false;
}

bool mdi_door_may_jump(const struct mdi_thread *thread,
		       const struct modiso_module *module,
		       const ucontext_t *context)
{
	const struct modiso_region *region;
	uintptr_t registers[18];

	mdi_context_registers(context, registers);
	region = mdi_region_at(registers[REGISTER_RDI]);
	if (region != NULL && region->owner == module)
		return true;
	return !on_host_stack(thread, registers[REGISTER_RDI]);
}

bool mdi_door_ran_past(const struct mdi_thread *thread,
		       const struct modiso_module *module,
		       const ucontext_t *context)
{
	uintptr_t sp = mdi_context_sp(context);

	return module->domain.confinement == MODISO_CONFINE_GUARD &&
	       mdi_region_at(sp) == NULL && on_host_stack(thread, sp);
}

bool mdi_libc_before_jump(const void *jmp_buf)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	struct mdi_thread *thread;
	uintptr_t sp;

	if (mdi_backend_running() == NULL)
		return false;
	sp = mdi_jump_sp(jmp_buf);
	if (mdi_libc_is_module()) {
		if (sp - here >= SHORT_JUMP)
			mdi_door_open_jump(sp);
		return false;
	}
	thread = mdi_thread_self();
	if (thread == NULL)
		return false;
	while (mdi_frame_top(thread) != NULL &&
	       mdi_frame_called_at(mdi_frame_top(thread)) < sp &&
	       same_stack(mdi_frame_called_at(mdi_frame_top(thread)), sp))
		mdi_gate_abandon(thread);
	return mdi_altstack_is_ours(thread, here);
}

/* --- asked by the C library's functions --- */

bool mdi_libc_is_module(void)
{
	/* A backend of a unit test has no handler that knows doors. */
	const struct mdi_backend *backend = mdi_backend_running();

	return backend != NULL && backend->signal_entry != NULL &&
	       backend->inside();
}

/*
 * With keys the new thread has the module's rights for as long as it lives, and
 * these keys must not become another module's.
 */
void mdi_libc_before_thread(void)
{
	if (mdi_libc_is_module())
		mdi_door_open_thread();
}

void mdi_libc_before_abort(void)
{
	if (mdi_libc_is_module())
		mdi_door_open_abort();
}

void mdi_libc_before_exit(int status, unsigned how)
{
	if (mdi_libc_is_module())
		mdi_door_open_exit(status, how);
}
