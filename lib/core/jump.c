/* SPDX-License-Identifier: MIT */
#include "core/jump.h"

#include "core/door.h"
#include "core/frames.h"
#include "core/front.h"
#include "core/gate.h"
#include "core/recorder.h"
#include "core/region.h"
#include "core/thread.h"
#include "os/maps.h"

/* Nearer than that two addresses may be on the same stack of the host's. */
#define STACK_REACH ((uintptr_t)64 * 1024 * 1024)

/* A jump of module code this short stays on its stack: no need to ask. */
#define SHORT_JUMP ((uintptr_t)64 * 1024)

static bool is_near(uintptr_t a, uintptr_t b)
{
	return (a < b ? b - a : a - b) < STACK_REACH;
}

static bool same_stack(uintptr_t a, uintptr_t b)
{
	return is_near(a, b) && mdi_maps_together(a, b);
}

/* What @same says of a stack that the thread has called a gate on. */
static bool any_host_stack(const struct mdi_thread *thread, uintptr_t sp,
			   bool (*same)(uintptr_t a, uintptr_t b))
{
	const struct mdi_frame *frame = mdi_thread_frames(thread);

	for (; frame < thread->frame; frame++)
		if (same(mdi_frame_called_at(frame), sp))
			return true;
	return false;
}

static bool on_host_stack(const struct mdi_thread *thread, uintptr_t sp)
{
	return any_host_stack(thread, sp, same_stack);
}

bool mdi_jump_stays(const struct mdi_thread *thread,
		       const struct modiso_module *module,
		       const struct mdi_context *context)
{
	uintptr_t sp = mdi_context_argument(context, 0);
	const struct modiso_region *region = mdi_region_at(sp);

	if (region != NULL && region->owner == module)
		return true;
	return !on_host_stack(thread, sp);
}

bool mdi_jump_ran_past(const struct mdi_thread *thread,
		       const struct modiso_module *module,
		       const struct mdi_context *context)
{
	uintptr_t sp = mdi_context_sp(context);

	/*
	 * Page permissions leave it the thread's stack at all levels. It is
	 * asked of each fault: what costs least comes first.
	 */
	return (module->domain.confinement == MODISO_CONFINE_GUARD ||
		mdi_backend_now->process != NULL) &&
	       any_host_stack(thread, sp, is_near) &&
	       mdi_region_at(sp) == NULL && on_host_stack(thread, sp);
}

bool mdi_jump_begins(const void *jmp_buf)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	struct mdi_thread *thread;
	uintptr_t sp;

	if (mdi_backend_running() == NULL)
		return false;
	sp = mdi_jump_sp(jmp_buf);
	if (mdi_door_is_module()) {
		if (sp - here >= SHORT_JUMP)
			mdi_door_open_jump(sp);
		return false;
	}
	thread = mdi_thread_self();
	if (thread == NULL)
		return false;
	while (mdi_frame_top(thread) != NULL &&
	       mdi_frame_called_at(mdi_frame_top(thread)) < sp &&
	       same_stack(mdi_frame_called_at(mdi_frame_top(thread)), sp)) {
		mdi_recorder_ended(thread);
		mdi_gate_abandon(thread);
	}
	return mdi_front_now->is_hidden(thread, here);
}
