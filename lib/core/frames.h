/* SPDX-License-Identifier: MIT */
/*
 * core/frames.h - where a thread is: the one owner of its frames.
 *
 * A thread has a stack of frames, one for each gate call under way. Of a frame
 * other code asks three things: which module it is of (link), whether host code
 * runs above that module (service_sp), and whether it is there at all
 * (thread->frame, the free one). Every write to these is in frames.c, but for
 * those that the gates' assembly does in the same order.
 *
 * The order, and why a reader on another thread sees who is inside.
 *
 *	thread                          reader
 *	1 free frame's link := module   4 loads thread->frame
 *	2 thread->frame moves up        5 loads the link of each frame below
 *	3 ...
 *	9 thread->frame moves down
 *
 * 1 comes before 2 (stores stay in order on x86-64; release and acquire say it
 * to the compiler), and no link below thread->frame changes between 2 and 9. So
 * a call that has done 2 before the reader does 4, and does 9 after it has done
 * the last 5, is seen whatever else the thread does meanwhile: a service, a
 * signal handler, and a call into another module write higher frames, and each
 * of those names itself. That the host runs above is no part of the question.
 *
 * A handler may come between 1 and 2, and call gates: they use the same free
 * frame. So who lets a handler run puts the free frame's link back after it
 * (mdi_frames_keep, mdi_frames_put_back).
 *
 * Whether a thread that is on its way in is still to come is no question of
 * order but of a barrier: gate_pkey.S.
 */
#ifndef MDI_CORE_FRAMES_H
#define MDI_CORE_FRAMES_H

#include "backend/backend.h"

/* A thread that is attached: in no module. */
void mdi_frames_start(struct mdi_thread *thread);

/* The free frame, whole but for its link, is of this domain; and is taken. */
void mdi_frames_push(struct mdi_thread *thread,
		     const struct mdi_domain *domain);

/*
 * The innermost call is over. What its frame has said is a copy: from here on
 * a handler may use the frame.
 */
void mdi_frames_pop(struct mdi_thread *thread, struct mdi_over *over);

/* All calls but the first one are over, and no host code runs above it. */
void mdi_frames_drop(struct mdi_thread *thread);

/*
 * Host code returns to what was called from @frame: the innermost frame, which
 * it must be, or the end of the process. @thread: the calling one, or NULL.
 */
struct mdi_frame *mdi_frames_returned_to(const struct mdi_thread *thread,
					 const struct mdi_frame *frame);

/* The module of the calling thread's innermost call; NULL: it is in none. */
struct modiso_module *mdi_frames_module(void);

/* A service of the innermost call begins, called with this RSP; and ends. */
void mdi_frames_serve(struct mdi_frame *frame, uintptr_t sp);
void mdi_frames_serve_end(struct mdi_frame *frame);

/*
 * A handler of the host begins above the innermost call, which was made at
 * @called_at on the host's stack; and ends. A service that begins or ends may
 * have left words in the frame already: they are put into @words, and back.
 */
struct mdi_frame_words {
	uint64_t modes;
	uint32_t service;
};

void mdi_frames_interrupt(struct mdi_frame *frame, const void *context,
			  uintptr_t called_at, struct mdi_frame_words *words);
void mdi_frames_interrupt_end(struct mdi_frame *frame,
			      const struct mdi_frame_words *words);

/* Where on the host's stack the gate was called. AS-Safe. */
static inline uintptr_t mdi_frame_called_at(const struct mdi_frame *frame)
{
	return frame->service_sp == MDI_INTERRUPTED ? frame->called_at
						    : frame->sp;
}

/*
 * A gate with keys that takes a frame writes it then, still on the host's
 * stack. Where the host's code was, if @context is of one that has not: until
 * then the frame says what was true of another call. 0: it is written. AS-Safe.
 */
uintptr_t mdi_frames_unwritten(const struct mdi_thread *thread,
			       struct mdi_context *context);

/*
 * Around a handler of the host, which may call gates: the link of the free
 * frame; and a service that it has interrupted, at @sp, is not left for what
 * the handler does (core/handed.h). AS-Safe.
 */
struct mdi_frames_kept {
	uint64_t *mark;
	uint32_t link;
};

void mdi_frames_keep(const struct mdi_thread *thread, uintptr_t sp,
		     struct mdi_frames_kept *kept);
void mdi_frames_put_back(struct mdi_thread *thread,
			 const struct mdi_frames_kept *kept);

/*
 * Is this the fault of a gate that found no free frame? Of the host's code
 * alone: a module that is inside has no business with that page. AS-Safe.
 */
bool mdi_frames_used_up(const struct mdi_thread *thread, uintptr_t address);

/* The module of a frame: which one the thread is in, or called a service of */
struct mdi_domain *mdi_frame_domain(const struct mdi_frame *frame);

/* How many calls of a thread, this one or another, are in this module. */
uint32_t mdi_frames_into(const struct mdi_thread *thread,
			 const struct mdi_domain *domain);

#endif /* MDI_CORE_FRAMES_H */
