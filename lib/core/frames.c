/* SPDX-License-Identifier: MIT */
#include "core/frames.h"

#include "core/entries.h"
#include "core/handed.h"
#include "core/region.h"
#include "os/misuse.h"

static void set_top(struct mdi_thread *thread, struct mdi_frame *free_frame)
{
	__atomic_store_n(&thread->frame, free_frame, __ATOMIC_RELEASE);
}

static void set_link(struct mdi_frame *frame, uint32_t link)
{
	__atomic_store_n(&frame->link, link, __ATOMIC_RELAXED);
}

static void set_service(struct mdi_frame *frame, uint64_t word)
{
	__atomic_store_n(&frame->service_sp, word, __ATOMIC_RELEASE);
}

void mdi_frames_start(struct mdi_thread *thread)
{
	struct mdi_frame *frame = mdi_thread_frames(thread);

	for (int i = 0; i < MDI_DEPTH_MAX; i++) {
		frame[i].module_pointer = MDI_NO_POINTER;
		set_service(&frame[i], 0);
		set_link(&frame[i], T_LINKS);
	}
	/* None at all looks like one in a service, to who asks the first. */
	set_service(frame - 1, ~(uint64_t)0);
	frame[-1].module_pointer = MDI_NO_POINTER;
	set_top(thread, frame);
}

MODISO_CALL void mdi_frames_switched(void)
{
	mdi_misuse("host code returned to a module on another thread, or out "
		   "of order: it switched stacks in a service or in a signal "
		   "handler that interrupted a module; see modiso/fiber.h");
}

struct mdi_frame *mdi_frames_returned_to(const struct mdi_thread *thread,
					 const struct mdi_frame *frame)
{
	struct mdi_frame *top = thread != NULL ? mdi_frame_top(thread) : NULL;

	if (top == NULL || top != frame)
		mdi_frames_switched();
	return top;
}

struct modiso_module *mdi_frames_module(void)
{
	const struct mdi_thread *thread = mdi_thread_self();
	const struct mdi_frame *frame = thread ? mdi_frame_top(thread) : NULL;

	return frame != NULL ? mdi_domain_module(mdi_frame_domain(frame)) :
			       NULL;
}

void mdi_frames_push(struct mdi_thread *thread, const struct mdi_domain *domain)
{
	struct mdi_frame *frame = thread->frame;

	set_service(frame, 0);
	set_link(frame, domain->head.link);
	set_top(thread, frame + 1);
}

void mdi_frames_pop(struct mdi_thread *thread, struct mdi_over *over)
{
	struct mdi_frame *frame = mdi_frame_top(thread);

	*over = (struct mdi_over){
		.service_sp = frame->service_sp,
		.stack = frame->stack,
		.block_base = frame->block_base,
		.link = frame->link,
	};
	set_service(frame, 0); /* as the next gate expects it */
	set_top(thread, frame);
}

void mdi_frames_drop(struct mdi_thread *thread)
{
	struct mdi_frame *first = mdi_thread_frames(thread), *frame;

	for (frame = first; frame < thread->frame; frame++)
		set_service(frame, 0);
	set_top(thread, first + 1);
}

void mdi_frames_serve(struct mdi_frame *frame, uintptr_t sp)
{
	set_service(frame, sp);
}

void mdi_frames_serve_end(struct mdi_frame *frame)
{
	set_service(frame, 0);
}

void mdi_frames_interrupt(struct mdi_frame *frame, const void *context,
			  uintptr_t called_at, struct mdi_frame_words *words)
{
	words->modes = frame->called_at;
	words->service = frame->service;
	frame->service = (uint32_t)(uintptr_t)context;
	frame->called_at = called_at;
	set_service(frame, MDI_INTERRUPTED);
}

void mdi_frames_interrupt_end(struct mdi_frame *frame,
			      const struct mdi_frame_words *words)
{
	frame->called_at = words->modes;
	frame->service = words->service;
	set_service(frame, 0);
}

/*
 * A module that has jumped there stands on a stack of its choice. Behind the
 * look for a stack that has found none the stack pointer is 0, and all written.
 */
uintptr_t mdi_frames_unwritten(const struct mdi_thread *thread,
			       struct mdi_context *context)
{
	uintptr_t sp = mdi_context_sp(context);

	return mdi_is_gate_begin(mdi_context_pc(context)) &&
			       !mdi_backend_now->in_module(thread, context) &&
			       mdi_region_at(sp) == NULL
		       ? sp
		       : 0;
}

/* Behind the last frame there is no memory. */
static bool has_free(const struct mdi_thread *thread)
{
	return mdi_thread_depth(thread) < MDI_DEPTH_MAX;
}

void mdi_frames_keep(const struct mdi_thread *thread, uintptr_t sp,
		     struct mdi_frames_kept *kept)
{
	kept->link = has_free(thread) ? thread->frame->link : 0;
	kept->mark = mdi_handed_hide(thread, sp);
}

void mdi_frames_put_back(struct mdi_thread *thread,
			 const struct mdi_frames_kept *kept)
{
	if (has_free(thread))
		set_link(thread->frame, kept->link);
	mdi_handed_show(kept->mark);
}

bool mdi_frames_used_up(const struct mdi_thread *thread, uintptr_t address)
{
	return !has_free(thread) && !mdi_thread_inside(thread) &&
	       address == (uintptr_t)&thread->frame->link;
}

struct mdi_domain *mdi_frame_domain(const struct mdi_frame *frame)
{
	uint32_t link = __atomic_load_n(&frame->link, __ATOMIC_RELAXED);

	return (struct mdi_domain *)mdi_link_domain(link);
}

uint32_t mdi_frames_into(const struct mdi_thread *thread,
			 const struct mdi_domain *domain)
{
	const struct mdi_frame *frame = mdi_thread_frames(thread);
	const struct mdi_frame *end =
		__atomic_load_n(&thread->frame, __ATOMIC_ACQUIRE);
	uint32_t count = 0;

	for (; frame < end; frame++)
		if (mdi_frame_domain(frame) == domain)
			count++;
	return count;
}
