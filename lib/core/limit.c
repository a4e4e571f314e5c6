/* SPDX-License-Identifier: MIT */
/*
 * The side of the thread whose calls are limited, and the list of limits. Who
 * ticks is in limit_tick.c.
 */
#include "core/limit.h"

#include "base/error.h"
#include "core/frames.h"
#include "core/front.h"
#include "core/gate.h"
#include "core/limit_tick.h"
#include "core/region.h"
#include "core/state.h"
#include "os/objects.h"
#include "os/ticker.h"

#include <errno.h>
#include <stdio.h>

static struct mdi_limit_state *const own = &mdi_core_state.limit;

/* --- the list: as much of it as is needed --- */

int mdi_limit_add(const struct modiso_module *module)
{
	uint64_t tick_ns = mdi_limit_tick_of(module->limit_ns);
	int result = mdi_limit_tick_start();

	if (result != 0)
		return result;
	if (own->count == 0 || tick_ns < own->tick_ns)
		__atomic_store_n(&own->tick_ns, tick_ns, __ATOMIC_RELAXED);
	__atomic_store_n(&own->by_wall, own->by_wall + module->limit_by_wall,
			 __ATOMIC_RELAXED);
	__atomic_store_n(&own->count, own->count + 1, __ATOMIC_RELEASE);
	mdi_limit_tick_wake();
	return 0;
}

/* With none it sleeps when it has ticked once more. */
void mdi_limit_remove(const struct modiso_module *module)
{
	__atomic_store_n(&own->by_wall, own->by_wall - module->limit_by_wall,
			 __ATOMIC_RELAXED);
	__atomic_store_n(&own->count, own->count - 1, __ATOMIC_RELAXED);
}

/* --- calls that are known --- */

static uint32_t next_number(void)
{
	uint32_t number;

	do
		number = __atomic_add_fetch(&own->numbers, 1,
					    __ATOMIC_RELAXED);
	while (number < MDI_LIMIT_FIRST);
	return number;
}

static uint64_t bit_of(uint32_t place)
{
	return (uint64_t)1 << place;
}

static void set_known(struct mdi_thread *thread, uint64_t known)
{
	__atomic_store_n(&thread->limit.known, known, __ATOMIC_RELEASE);
}

/*
 * Calls that are known and still there: below the one that begins, and of the
 * same module. A link that this one gives back is one that another call would
 * go by where an older one of the same module was known.
 */
static uint64_t still_known(const struct mdi_thread *thread)
{
	const struct mdi_frame *first = mdi_thread_frames(thread), *frame;
	uint64_t known = 0;

	for (frame = first; frame < thread->frame; frame++)
		if (frame->link == thread->limit.calls[frame - first].link)
			known |= bit_of((uint32_t)(frame - first));
	return known & thread->limit.known;
}

int mdi_limit_entered_seldom(struct mdi_thread *thread)
{
	int result = 0, saved = errno;

	if (thread->limit.known != 0)
		set_known(thread, still_known(thread));
	if (thread->limit.starts && own->count != 0)
		result = mdi_limit_tick_start();
	if (result != 0)
		return result;
	thread->limit.starts = 0;
	errno = saved;
	return 0;
}

/*
 * All that this thread would put back into the link: what its services keep for
 * outer calls into the same module. The handlers that have interrupted those
 * ask mdi_limit_knows().
 */
static void withdraw(struct mdi_thread *thread, uint32_t link)
{
	struct mdi_frame *frame = mdi_thread_frames(thread);

	if (mdi_backend_now->threads == NULL)
		return; /* each call comes by C */
	mdi_thread_link(thread, link)->stack = 0;
	for (; frame < mdi_frame_top(thread); frame++)
		if (frame->link == link)
			frame->stack = 0;
}

static void make_known(struct mdi_thread *thread)
{
	uint32_t place = mdi_thread_depth(thread) - 1;
	struct mdi_limit_call *call = &thread->limit.calls[place];

	if (thread->limit.known & bit_of(place) &&
	    call->link == mdi_frame_top(thread)->link)
		return;
	withdraw(thread, mdi_frame_top(thread)->link);
	call->link = mdi_frame_top(thread)->link;
	__atomic_store_n(&call->number, next_number(), __ATOMIC_RELAXED);
	set_known(thread, thread->limit.known | bit_of(place));
}

static bool is_call(const struct mdi_thread *thread, uint32_t place,
		    uint32_t number)
{
	const struct mdi_limit_call *call = &thread->limit.calls[place];

	return thread->limit.known & bit_of(place) && call->number == number &&
	       call->link == mdi_frame_top(thread)->link;
}

/*
 * A module that calls the C library may be in the middle of something there,
 * with a lock held that the host needs. It is let out, but not for ever.
 */
static bool is_host_library(uintptr_t pc)
{
	struct mdi_object object;

	return mdi_region_at(pc) == NULL && mdi_object_find(pc, &object) &&
	       (object.own || mdi_object_is_libc(&object));
}

static bool may_land(const struct mdi_thread *thread, uint32_t place,
		     struct mdi_context *context)
{
	const struct modiso_module *module =
		mdi_domain_module(mdi_frame_domain(mdi_frame_top(thread)));
	uint64_t used = __atomic_load_n(&thread->limit.calls[place].used_ns,
					__ATOMIC_RELAXED);

	return used / 2 >= module->limit_ns ||
	       !is_host_library(mdi_context_pc(context));
}

/*
 * Not a handler of the host's that begins or ends, whose rights tell it apart
 * where there are keys.
 */
static bool is_in_module(const struct mdi_thread *thread,
			 struct mdi_context *context)
{
	return mdi_thread_inside(thread) &&
	       mdi_backend_now->in_module(thread, context) &&
	       (mdi_backend_now->threads != NULL ||
		!mdi_front_now->is_hidden(thread, mdi_context_sp(context)));
}

/*
 * What a call could not do in a fault's handler is left for the handler's end:
 * a module whose faults it goes on behind is hardly ever met elsewhere.
 */
enum mdi_outcome mdi_limit_goes_on(struct mdi_thread *thread,
				   struct mdi_context *context)
{
	uint32_t wants, place;

	if (thread->in_handler || thread->abandoned ||
	    !is_in_module(thread, context))
		return MDI_GOES_ON;
	wants = __atomic_exchange_n(&thread->limit.wants, MDI_LIMIT_NOTHING,
				    __ATOMIC_ACQUIRE);
	if (wants == MDI_LIMIT_NOTHING)
		return MDI_GOES_ON;
	if (wants == MDI_LIMIT_KNOW) {
		make_known(thread);
		return MDI_GOES_ON;
	}
	place = mdi_thread_depth(thread) - 1;
	if (!is_call(thread, place, wants) ||
	    !may_land(thread, place, context))
		return MDI_GOES_ON;
	/* If the filter lets it go on, it has all of its time again. */
	set_known(thread, thread->limit.known & ~bit_of(place));
	return mdi_fault_timeout(thread, context);
}

enum mdi_outcome mdi_limit_called(struct mdi_thread *thread,
				  struct mdi_context *context)
{
	__atomic_store_n(&thread->limit.sent, 0, __ATOMIC_RELAXED);
	return mdi_limit_goes_on(thread, context);
}

void mdi_limit_text(const struct modiso_fault *fault, char *text, size_t size)
{
	snprintf(text, size,
		 "module %s used up its time limit at %#zx; see "
		 "modiso_module_options.time_limit_ms",
		 fault->module_name, (size_t)fault->pc);
}

/* --- the life of the library --- */

void mdi_limits_stop(void)
{
	mdi_limit_tick_stop();
	own->count = 0;
	own->by_wall = 0;
}

uint32_t mdi_limit_threads(void)
{
	return own->running;
}

void mdi_limit_attached(struct mdi_thread *thread)
{
	thread->limit.starts = own->count != 0 && !own->running;
}

/*
 * Calls begin in C again, and the first one makes a thread that ticks. One that
 * is under way, in a service that forks, has it at once.
 */
void mdi_limits_after_fork(void)
{
	struct mdi_thread *thread = mdi_core_state.thread.attached;
	const struct mdi_thread *self = mdi_thread_self();

	own->running = false;
	if (own->count == 0)
		return;
	if (self != NULL && mdi_frame_top(self) != NULL)
		(void)mdi_limit_tick_start();
	for (; thread != NULL; thread = thread->next) {
		struct mdi_frame *frame = mdi_thread_frames(thread);

		mdi_thread_withdraw(thread);
		if (mdi_backend_now->threads != NULL)
			for (; frame < thread->frame; frame++)
				frame->stack = 0; /* what services put back */
		mdi_limit_attached(thread);
	}
}
