/* SPDX-License-Identifier: MIT */
/* What is let pass, and how often. */
#include "core/permit.h"

#include "base/error.h"
#include "core/frames.h"
#include "core/record.h"
#include "core/region.h"
#include "core/thread.h"
#include "core/vault.h"
#include "core/walk.h"

#include <string.h>

static struct mdi_permit_state *const own = &mdi_core_state.permit;

int mdi_permit_begin(void)
{
	size_t sites = MDI_SITES * sizeof(struct mdi_site), length;
	const struct mdi_vault_area *area;

	if (mdi_permit_begun())
		return 0;
	if (!mdi_page_round(sites + MDI_STEPS * sizeof(struct mdi_step),
			    &length))
		return mdi_fail_memory("places of permissive modules");
	area = mdi_vault_map(length);
	if (area == NULL)
		return mdi_fail_memory("%zu bytes for the places of "
				       "permissive modules",
				       length);
	own->steps = (struct mdi_step *)(void *)(area->base + sites);
	__atomic_store_n(&own->sites, (struct mdi_site *)(void *)area->base,
			 __ATOMIC_RELEASE);
	return 0;
}

void mdi_permit_reset(void)
{
	memset(own, 0, sizeof(*own));
}

/* --- what may pass --- */

/*
 * Without the library it would have gone well. Memory in no region is the
 * host's when its pages have key 0, and the library's own otherwise.
 */
bool mdi_permit_may(const struct mdi_trap *trap)
{
	const struct modiso_module *module = mdi_domain_module(trap->domain);
	const struct modiso_region *region = trap->place.at;

	if (!module->permissive || trap->access == 0 ||
	    trap->where != MDI_AT_MODULE)
		return false;
	if (trap->event.kind != MDI_EVENT_KEY &&
	    trap->event.kind != MDI_EVENT_PROTECTED)
		return false;
	if (region == NULL)
		return trap->event.kind == MDI_EVENT_KEY &&
		       trap->event.key == 0;
	return (region->access & trap->access) == trap->access &&
	       trap->event.address >= mdi_region_start(region);
}

/* --- places --- */

static void mix(uint64_t *hash, uint64_t word)
{
	*hash = (*hash ^ word) * 0x100000001b3u; /* FNV-1a, by words */
}

/* So many callers tell two places apart. */
#define CALLERS 4

/*
 * The instruction, what it has touched, and who has called: a function of the
 * C library is no place. A module that is made again is the same by its name.
 */
static uint64_t hash_of(const struct modiso_fault *fault)
{
	uint64_t hash = 0xcbf29ce484222325u, words[MODISO_NAME_SIZE / 8];

	memcpy(words, fault->module_name, sizeof(words));
	for (size_t i = 0; i < MDI_COUNT(words); i++)
		mix(&hash, words[i]);
	memcpy(words, fault->region_name, sizeof(words));
	for (size_t i = 0; i < MDI_COUNT(words); i++)
		mix(&hash, words[i]);
	mix(&hash, fault->kind);
	mix(&hash, fault->access);
	mix(&hash, fault->pc);
	mix(&hash, fault->region_base);
	for (uint32_t i = 1; i < fault->frame_count && i < CALLERS; i++)
		mix(&hash, fault->frames[i]);
	return hash != 0 ? hash : 1;
}

/* The place's row, made if need be; NULL: there is no room. */
static struct mdi_site *site_of(uint64_t hash, bool *fresh)
{
	uint64_t seen;

	*fresh = false;
	for (uint32_t i = 0; i < MDI_SITES; i++) {
		struct mdi_site *site = &own->sites[(hash + i) % MDI_SITES];

		seen = __atomic_load_n(&site->hash, __ATOMIC_RELAXED);
		if (seen == 0 &&
		    __atomic_compare_exchange_n(&site->hash, &seen, hash, false,
						__ATOMIC_RELAXED,
						__ATOMIC_RELAXED)) {
			*fresh = true;
			return site;
		}
		if (seen == hash)
			return site;
	}
	return NULL;
}

static void count(struct modiso_fault *fault)
{
	struct mdi_site *site;
	bool fresh;

	__atomic_add_fetch(&own->accesses, 1, __ATOMIC_RELAXED);
	site = site_of(hash_of(fault), &fresh);
	if (site == NULL) {
		__atomic_add_fetch(&own->lost, 1, __ATOMIC_RELAXED);
		return;
	}
	__atomic_add_fetch(&site->count, 1, __ATOMIC_RELAXED);
	if (!fresh)
		return;
	fault->permitted = 1;
	site->fault = *fault;
	__atomic_store_n(&site->ready, 1, __ATOMIC_RELEASE);
}

/* The stack is walked here: when the call is over it is another one. */
static void record(const struct mdi_trap *trap)
{
	struct modiso_fault fault;

	mdi_record_module(&fault, trap->thread,
			  mdi_domain_module(trap->domain));
	mdi_record_state(&fault, trap);
	if (trap->thread != NULL) {
		mdi_record_host(&fault, mdi_frame_top(trap->thread));
		mdi_record_calls(&fault, trap->thread);
	}
	mdi_walk_record_now(&fault, trap->thread);
	count(&fault);
}

bool mdi_permit(const struct mdi_trap *trap)
{
	bool again;

	if (!mdi_step_begin(trap, &again))
		return false;
	if (!again)
		record(trap);
	return true;
}

bool mdi_permit_service(struct mdi_thread *thread, const char *service,
			uintptr_t sp)
{
	struct mdi_frame *frame = mdi_frame_top(thread);
	struct modiso_module *module =
		mdi_domain_module((void *)mdi_link_domain(frame->link));
	struct modiso_fault fault;

	if (!module->permissive)
		return false;
	mdi_record_refusal(&fault, thread, service, sp);
	mdi_record_calls(&fault, thread);
	mdi_walk_record_now(&fault, thread);
	count(&fault);
	return true;
}
