/* SPDX-License-Identifier: MIT */
/* One instruction of a module, with rights that the module has not. */
#include "core/permit.h"

#include "core/region.h"
#include "os/process.h"

static struct mdi_permit_state *const own = &mdi_core_state.permit;

/* --- the table --- */

/*
 * Whose step: the place of the next gate call's frame, which is another one for
 * each thread, and while a handler of the host calls modules in between. A
 * thread that a module has made has no frames, and a number that is no address.
 */
static uintptr_t owner_of(const struct mdi_thread *thread)
{
	return thread != NULL ? (uintptr_t)thread->frame
			      : (uintptr_t)mdi_os_thread_id();
}

static struct mdi_step *at(uintptr_t owner, uint32_t i)
{
	return &own->steps[(owner / sizeof(struct mdi_frame) + owner + i) %
			   MDI_STEPS];
}

static struct mdi_step *step_of(uintptr_t owner)
{
	for (uint32_t i = 0; i < MDI_STEPS; i++)
		if (__atomic_load_n(&at(owner, i)->owner, __ATOMIC_RELAXED) ==
		    owner)
			return at(owner, i);
	return NULL;
}

/* NULL: as many threads as there is room for are in a step. */
static struct mdi_step *claim(uintptr_t owner)
{
	for (uint32_t i = 0; i < MDI_STEPS; i++) {
		struct mdi_step *step = at(owner, i);
		uintptr_t nobody = 0;

		if (!__atomic_compare_exchange_n(&step->owner, &nobody, owner,
						 false, __ATOMIC_ACQUIRE,
						 __ATOMIC_RELAXED))
			continue;
		step->count = 0;
		__atomic_add_fetch(&own->stepping, 1, __ATOMIC_RELAXED);
		return step;
	}
	return NULL;
}

static void release(struct mdi_step *step)
{
	__atomic_sub_fetch(&own->stepping, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&step->owner, 0, __ATOMIC_RELEASE);
}

/* --- pages --- */

/* A page that is in no region any more is nobody's to close. */
static void close_pages(const struct mdi_step *step)
{
	const struct modiso_region *region;

	for (uint32_t i = 0; i < step->count; i++) {
		region = mdi_region_at(step->opened[i].page);
		if (region != NULL)
			mdi_backend_forbid(region->domain, &step->opened[i]);
	}
}

static bool open_pages(const struct mdi_step *step, struct mdi_context *context)
{
	const struct modiso_region *region;

	for (uint32_t i = 0; i < step->count; i++) {
		region = mdi_region_at(step->opened[i].page);
		if (!mdi_backend_now->permit(region ? region->domain : NULL,
					     &step->opened[i], context))
			return false;
	}
	return true;
}

/* The page is one more; true: it was touched in this way before. */
static bool note(struct mdi_step *step, const struct mdi_trap *trap)
{
	uintptr_t page = trap->event.address & ~(MDI_PAGE_SIZE - 1);
	struct mdi_opened *opened = step->opened;
	uint32_t i = 0;
	bool again;

	while (i < step->count && opened[i].page != page)
		i++;
	again = i < step->count && (opened[i].access & trap->access) != 0;
	if (i == step->count)
		opened[step->count++] = (struct mdi_opened){.page = page};
	opened[i].key = trap->event.key;
	opened[i].access |= trap->access;
	opened[i].pages_access = trap->place.at ? trap->place.at->access : 0;
	return again;
}

/* The saved state is as it was before the step, rights and signals included. */
static void undo(const struct mdi_step *step, struct mdi_context *context,
		 const struct mdi_thread *thread)
{
	close_pages(step);
	mdi_context_step_over(context, step->mask);
	mdi_backend_confine(thread, step->domain, context);
}

/* --- what the handler asks --- */

bool mdi_step_event(const struct mdi_event *event, struct mdi_context *context,
		    struct mdi_thread *thread)
{
	struct mdi_step *step = step_of(owner_of(thread));

	if (step == NULL)
		return false;
	undo(step, context, thread);
	if (!event->raised || event->kind != MDI_EVENT_STEP)
		return false;
	release(step);
	return true;
}

void mdi_step_settle(const struct mdi_context *context,
		     const struct mdi_thread *thread)
{
	struct mdi_step *step = step_of(owner_of(thread));

	if (step != NULL && !mdi_context_steps(context))
		release(step);
}

bool mdi_step_begin(const struct mdi_trap *trap, bool *again)
{
	uintptr_t owner = owner_of(trap->thread);
	struct mdi_step *step = step_of(owner);

	if (step == NULL)
		step = claim(owner);
	if (step == NULL)
		return false;
	if (step->count == MDI_STEP_PAGES) {
		release(step);
		return false;
	}
	step->domain = trap->domain;
	step->pc = trap->pc;
	*again = note(step, trap);
	/* Its own rights first, whatever it came with. */
	mdi_backend_confine(trap->thread, trap->domain, trap->context);
	if (!open_pages(step, trap->context)) {
		close_pages(step);
		mdi_backend_confine(trap->thread, trap->domain, trap->context);
		release(step);
		return false;
	}
	step->mask = mdi_context_step(trap->context);
	return true;
}
