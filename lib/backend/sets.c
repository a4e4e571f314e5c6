/* SPDX-License-Identifier: MIT */
/*
 * Sets: regions that the same modules have the same rights to.
 *
 * A set is needed by each of its modules. It has a slot of its own, like a
 * module, and each may have it open at the same time: a link to a module is
 * given when all of its sets have their keys, and withdrawn when one of them
 * loses it. What a module does that needs more keys than there are:
 * sets_place.c.
 *
 * In no order of events is a set parked while a thread is inside of a module
 * that has rights to it and could have used them.
 */
#include "backend/sets.h"
#include "backend/slots.h"

#include "backend/state.h"
#include "base/error.h"
#include "os/memory.h"
#include "os/process.h"

/* --- for each module of a set --- */

uint32_t mdi_sets_rights(const struct mdi_domain *module, uint32_t rights)
{
	for (const struct mdi_share *share = module->shares; share != NULL;
	     share = share->next) {
		if (!mdi_slots_resident(share->set))
			continue; /* merged: that key is open */
		rights = mdi_rights_allow(rights, share->set->key,
					  share->access & MDI_PROT_WRITE);
	}
	if (module->reader != NULL && mdi_slots_resident(module->reader))
		rights = mdi_rights_allow(rights, module->reader->key, false);
	return rights;
}

void mdi_sets_compute(const struct mdi_domain *set)
{
	for (uint32_t i = 0; i < set->share_count; i++)
		if (set->shares[i].module != NULL)
			mdi_slots_compute(set->shares[i].module);
}

void mdi_sets_withdraw(const struct mdi_domain *set,
		       const struct mdi_users *users)
{
	for (uint32_t i = 0; i < set->share_count; i++)
		if (set->shares[i].module != NULL)
			users->withdraw(set->shares[i].module);
}

bool mdi_sets_quiesce_all_but(const struct mdi_domain *set,
			      const struct mdi_domain *but,
			      const struct mdi_users *users)
{
	for (uint32_t i = 0; i < set->share_count; i++) {
		const struct mdi_domain *module = set->shares[i].module;

		if (module != NULL && module != but &&
		    !users->quiesce(module, module))
			return false;
	}
	return true;
}

bool mdi_sets_quiesce(const struct mdi_domain *domain,
		      const struct mdi_domain *next,
		      const struct mdi_users *users)
{
	mdi_sets_withdraw_any(next, users);
	return domain->kind == MDI_DOMAIN_MODULE
		       ? users->quiesce(domain, domain)
		       : mdi_sets_quiesce_all_but(domain, NULL, users);
}

/* --- pages that come and go --- */

/* Will @module have rights to read alone when the pages have moved? */
static bool will_read(const struct mdi_domain *module,
		      const struct mdi_move *move)
{
	for (const struct mdi_share *share = module->shares; share != NULL;
	     share = share->next) {
		const struct mdi_runs *runs = &share->set->runs;

		if (share->set == move->from)
			runs = move->from_runs;
		else if (share->set == move->to)
			runs = move->to_runs;
		if (runs->count != 0 && !(share->access & MDI_PROT_WRITE))
			return true;
	}
	return false;
}

static int check_keys(const struct mdi_move *move)
{
	const struct mdi_domain *to = move->to;

	if (to->kind != MDI_DOMAIN_SHARED ||
	    __builtin_popcount(mdi_slots_all()) >= 2)
		return 0;
	for (uint32_t i = 0; i < to->share_count; i++)
		if (to->shares[i].module != NULL &&
		    will_read(to->shares[i].module, move))
			return mdi_fail(MODISO_ERR_NOKEY,
					"only one protection key is there for "
					"modules; a module with regions that "
					"it may only read needs two");
	return 0;
}

int mdi_slots_prepare(const struct mdi_move *move,
		      const struct mdi_users *users)
{
	int result = check_keys(move);

	if (result != 0)
		return result;
	mdi_sets_withdraw_any(move->from, users);
	mdi_sets_withdraw_any(move->to, users);
	if (users->others() && mdi_os_barrier() != 0)
		return mdi_fail_os("membarrier", "changing rights");
	return move->to->kind == MDI_DOMAIN_SHARED
		       ? mdi_sets_make_ready(move, users)
		       : 0;
}

bool mdi_slots_retire(struct mdi_domain *set, const struct mdi_users *users)
{
	if (set->merged_into != NULL) {
		mdi_sets_not_merged(set);
		set->key = mdi_open.state.host_key;
		return true;
	}
	if (!mdi_slots_resident(set))
		return true;
	if (!mdi_sets_quiesce(set, set, users))
		return false;
	mdi_slots_remove(set);
	return true;
}
