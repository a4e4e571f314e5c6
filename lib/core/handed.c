/* SPDX-License-Identifier: MIT */
#include "core/handed.h"

#include "core/frames.h"
#include "core/grant.h"
#include "core/range.h"
#include "core/region.h"
#include "core/service.h"
#include "os/critical.h"
#include "os/maps.h"

/* A member of a structure, or an element, is no farther from its pointer. */
#define REACH ((uintptr_t)65536)

/* Of a page fault the CPU says where; not of an address that nobody has. */
static bool says_where(const struct mdi_event *event)
{
	return event->kind != MDI_EVENT_PRIVILEGED &&
	       event->kind != MDI_EVENT_BUS_NOWHERE;
}

static bool is_canonical(uintptr_t address)
{
	uintptr_t top = address >> 47;

	return top == 0 || top == UINTPTR_MAX >> 47;
}

static bool is_near(uintptr_t base, uintptr_t length, uintptr_t address)
{
	return address - base + REACH < length + 2 * REACH;
}

/*
 * Code that runs on from a pointer comes through all that is open to the host
 * behind it: of what is the module's, through its whole range.
 */
static bool leads_to(const struct modiso_module *module, uintptr_t word,
		     uintptr_t address)
{
	const struct mdi_arena *arena = &module->arena;
	uintptr_t base = (uintptr_t)arena->base;
	const struct modiso_region *region;

	if (word - base < arena->length)
		return is_near(base, arena->length, address);
	region = mdi_region_at(word);
	if (region == NULL || mdi_grant_rights(module, region) == 0)
		return is_near(word, 1, address);
	base = mdi_region_start(region);
	return is_near(base, region->node.end - base, address);
}

static bool is_of(const struct modiso_module *module, uint32_t pointers,
		  const uint64_t *words, uintptr_t address)
{
	for (unsigned i = 0; i < MODISO_ARGS_MAX; i++)
		if (pointers & 1u << i && leads_to(module, words[i], address))
			return true;
	return false;
}

/* The frame, if a service runs in it that may be left; else NULL. */
static const struct mdi_frame *may_leave(const struct mdi_thread *thread,
					 uint32_t *pointers)
{
	const struct mdi_frame *frame = mdi_frame_top(thread);

	if (frame == NULL || frame->service_sp <= MDI_INTERRUPTED)
		return NULL;
	*pointers = mdi_service_pointers(frame->service);
	return *pointers != 0 ? frame : NULL;
}

/* A handler of the host runs above the service. */
#define HIDDEN ((uint64_t)1 << 63)

void mdi_handed_decode(struct mdi_trap *trap)
{
	uintptr_t registers[MDI_REGISTERS];
	const struct modiso_module *module;
	const struct mdi_frame *frame;
	uint32_t pointers;

	frame = may_leave(trap->thread, &pointers);
	if (frame == NULL || trap->thread->in_handler != 0 ||
	    mdi_critical_now() || *mdi_service_mark(frame) & HIDDEN)
		return;
	module = mdi_domain_module(mdi_frame_domain(frame));
	trap->handed_at = trap->event.address;
	if (says_where(&trap->event)) {
		trap->handed = is_of(module, pointers, mdi_service_words(frame),
				     trap->handed_at);
		return;
	}
	mdi_context_registers(trap->context, registers);
	for (unsigned i = 0; i < MDI_REGISTERS && !trap->handed; i++) {
		trap->handed_at = registers[i];
		trap->handed = !is_canonical(registers[i]) &&
			       is_of(module, pointers, mdi_service_words(frame),
				     registers[i]);
	}
}

bool mdi_handed_as_modules(const struct mdi_trap *trap, struct mdi_trap *as)
{
	const struct mdi_frame *frame = mdi_frame_top(trap->thread);

	if (trap->sp >= frame->sp || !mdi_maps_together(trap->sp, frame->sp))
		return false;
	*as = *trap;
	as->domain = mdi_frame_domain(frame);
	as->sp = frame->service_sp;
	if (says_where(&trap->event))
		return true;
	as->event.kind = MDI_EVENT_UNMAPPED;
	as->event.address = trap->handed_at;
	return true;
}

/*
 * The word is written anew by each call of a service: so a handler that is left
 * by a jump does not concern the next one. Between the beginning of the service
 * and that the thread is on the module's stack, or still above the word.
 */
uint64_t *mdi_handed_hide(const struct mdi_thread *thread, uintptr_t sp)
{
	uint32_t pointers;
	const struct mdi_frame *frame = may_leave(thread, &pointers);
	uint64_t *mark = frame != NULL ? mdi_service_mark(frame) : NULL;

	if (mark == NULL || (uintptr_t)mark < sp || mdi_region_at(sp) != NULL ||
	    *mark & HIDDEN)
		return NULL;
	*mark |= HIDDEN;
	return mark;
}

void mdi_handed_show(uint64_t *mark)
{
	if (mark != NULL)
		*mark &= ~HIDDEN;
}
