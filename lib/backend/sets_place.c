/* SPDX-License-Identifier: MIT */
/*
 * Where the keys come from that a module needs besides its own, for its sets.
 *
 * Each set gets a slot, as long as there are slots to be had. A module that
 * needs more shares: sets that it may write are merged into its own key, those
 * that it may only read into one key more, its reader's, for which there is a
 * domain without pages. The pages of a merged set are open to whoever has that
 * key, so they may be to this module alone: nobody is inside of the set's other
 * modules then, and nobody enters them without asking. Who asks gets the set a
 * slot of its own, if there is one, and the module goes on with its rights to
 * that; or merges the set into its own key, when nobody is inside of the first
 * module any more.
 */
#include "backend/sets.h"
#include "backend/slots.h"

#include "backend/state.h"
#include "os/memory.h"
#include "os/misuse.h"

static struct mdi_sets_state *const own = &mdi_backend_state.sets;

void mdi_sets_start(void)
{
	for (int i = 0; i < MDI_RIGHTS_KEYS; i++)
		own->readers[i] = (struct mdi_reader){
			.domain.kind = MDI_DOMAIN_SHARED,
			.domain.key = mdi_open.state.host_key,
			.domain.share_count = 1,
			.domain.shares = &own->readers[i].share,
		};
	own->merged = 0;
}

static uint32_t key_bit(const struct mdi_domain *domain)
{
	return mdi_slots_resident(domain) ? 1u << domain->key : 0;
}

/* --- merged sets --- */

void mdi_sets_not_merged(struct mdi_domain *set)
{
	if (set->merged_into == NULL)
		return;
	set->merged_into = NULL;
	own->merged--;
}

static struct mdi_domain *module_of(struct mdi_domain *owner)
{
	if (owner->kind == MDI_DOMAIN_MODULE)
		return owner;
	return owner->shares[0].module != NULL &&
			       owner->shares[0].module->reader == owner
		       ? owner->shares[0].module
		       : NULL; /* nothing is merged into a set */
}

int mdi_sets_unmerge(struct mdi_domain *owner)
{
	struct mdi_domain *module = module_of(owner);
	const struct mdi_share *share = module ? module->shares : NULL;
	int result = 0;

	for (; share != NULL && result == 0; share = share->next) {
		if (share->set->merged_into != module ||
		    share->set->key != owner->key)
			continue;
		result = mdi_slots_tag(share->set, mdi_open.state.host_key);
		if (result == 0)
			mdi_sets_not_merged(share->set);
	}
	return result;
}

int mdi_slots_empty(struct mdi_domain *module, const struct mdi_users *users)
{
	int result;

	if (own->merged == 0)
		return 0;
	users->withdraw(module);
	result = mdi_sets_unmerge(module);
	if (result == 0 && module->reader != NULL)
		result = mdi_sets_unmerge(module->reader);
	return result;
}

/* The module's reader, which need not have a key. */
static struct mdi_domain *reader_of(struct mdi_domain *module)
{
	struct mdi_reader *reader = own->readers;

	if (module->reader != NULL)
		return module->reader;
	while (mdi_slots_resident(&reader->domain))
		reader++;
	if (reader->share.module != NULL)
		reader->share.module->reader = NULL;
	reader->share = (struct mdi_share){
		.set = &reader->domain,
		.module = module,
		.access = MDI_PROT_READ,
	};
	module->reader = &reader->domain;
	return module->reader;
}

void mdi_sets_end_reader(struct mdi_domain *module)
{
	struct mdi_domain *reader = module->reader;

	module->reader = NULL;
	reader->shares[0].module = NULL;
	mdi_slots_remove(reader);
}

/* Its key may be taken from another set of the same module. */
static int find_reader(struct mdi_domain *module, uint32_t keep,
		       const struct mdi_users *users)
{
	struct mdi_domain *reader = reader_of(module);
	int result = mdi_slots_take(reader, keep, users);

	if (result == MODISO_ERR_NOKEY)
		result = mdi_slots_take(reader, key_bit(module), users);
	return result;
}

/*
 * Some pages of a set have the key that they were to get, some the one that
 * they had, and the kernel would not put them back. With the host's among the
 * two the set keeps the other, and is safe.
 */
static void must_be_whole(const struct mdi_domain *set, int from)
{
	if (set->half_tagged && from != mdi_open.state.host_key)
		mdi_misuse("pkey_mprotect(2) stopped half-way and would not "
			   "put back what it had changed; going on could leave "
			   "memory open");
}

/*
 * The pages of a set get one of the keys of @module, which has its own slot. A
 * slot that the set leaves is anybody's then. So nobody at all may be inside
 * with it open, and a pinned one is not left.
 */
static int merge(struct mdi_domain *set, struct mdi_domain *module,
		 uint32_t access, uint32_t keep, const struct mdi_users *users)
{
	int from, key = module->key, result;
	bool leaves;

	if (!(access & MDI_PROT_WRITE)) {
		result = find_reader(module, keep, users);
		if (result != 0)
			return result;
		key = module->reader->key;
	}
	/* Only now: it may be the reader's key that was the set's. */
	leaves = mdi_slots_resident(set);
	from = set->key;
	if (!mdi_sets_quiesce_all_but(set, leaves ? NULL : module, users) ||
	    (leaves && mdi_slots_pinned(from, users)))
		return mdi_slots_busy();
	result = mdi_slots_tag(set, key);
	must_be_whole(set, from);
	if (result != 0 && !set->half_tagged)
		return result;
	if (leaves)
		mdi_slots_free(from);
	set->key = key;
	own->merged += set->merged_into == NULL;
	set->merged_into = module;
	mdi_sets_compute(set);
	return result;
}

static bool has_rights(const struct mdi_domain *set,
		       const struct mdi_share *share)
{
	for (uint32_t i = 0; i < set->share_count; i++)
		if (set->shares[i].module == share->module)
			return !(share->access & ~set->shares[i].access);
	return false;
}

/*
 * @old has no pages any more, and a slot because a thread that stays inside of
 * one of its modules may have it open. True: each such module has the rights to
 * @set as well, and of the others nobody is inside, nor enters without asking.
 */
static bool may_inherit(const struct mdi_domain *set,
			const struct mdi_domain *old,
			const struct mdi_users *users)
{
	for (uint32_t i = 0; i < old->share_count; i++) {
		const struct mdi_share *share = &old->shares[i];

		if (share->module != NULL && !has_rights(set, share) &&
		    !users->quiesce(share->module, share->module))
			return false;
	}
	return true;
}

/* The slot of such a one, or NOKEY. */
static int inherit(struct mdi_domain *set, const struct mdi_users *users)
{
	for (int key = 0; key < MDI_RIGHTS_KEYS; key++) {
		struct mdi_domain *old = mdi_slots_domain(key);

		if (old != NULL && old->kind == MDI_DOMAIN_SHARED &&
		    old->runs.count == 0 && module_of(old) == NULL &&
		    !mdi_slots_pinned(key, users) &&
		    may_inherit(set, old, users))
			return mdi_slots_hand_over(old, set);
	}
	return MODISO_ERR_NOKEY;
}

/* A slot of its own: the module that it was merged into goes on by that. */
static int give_slot(struct mdi_domain *set, uint32_t keep,
		     const struct mdi_users *users)
{
	int from = set->key, result = MODISO_ERR_NOKEY;

	if (set->merged_into != NULL)
		users->withdraw(set->merged_into);
	if (!mdi_slots_resident(set))
		result = inherit(set, users);
	if (result == MODISO_ERR_NOKEY)
		result = mdi_slots_take(set, keep, users);
	if (result == 0)
		mdi_sets_not_merged(set);
	else if (set->merged_into != NULL)
		must_be_whole(set, from);
	return result;
}

/* --- a module and all of its sets --- */

static bool is_there(const struct mdi_domain *set,
		     const struct mdi_domain *module)
{
	return set->runs.count == 0 || mdi_slots_resident(set) ||
	       set->merged_into == module;
}

static bool all_there(const struct mdi_domain *module)
{
	const struct mdi_share *share = module->shares;

	while (share != NULL && is_there(share->set, module))
		share = share->next;
	return share == NULL && mdi_slots_resident(module);
}

/* The keys that it has. */
static uint32_t keys_of(const struct mdi_domain *module)
{
	uint32_t keys = key_bit(module);

	for (const struct mdi_share *share = module->shares; share != NULL;
	     share = share->next)
		keys |= key_bit(share->set);
	if (module->reader != NULL)
		keys |= key_bit(module->reader);
	return keys;
}

/* How a module's sets are being placed. */
struct placing {
	struct mdi_domain *module;
	const struct mdi_users *users;
	bool crowded; /* it needs more keys than there are */
	bool full;    /* there is no slot for another set */
};

static int count_of(uint32_t keys)
{
	return __builtin_popcount(keys);
}

/*
 * A module that needs more keys than there are has no more than half of them
 * while somebody is inside: the others must go on.
 */
static bool too_many(const struct placing *placing)
{
	int most = count_of(mdi_slots_all()) / 2;

	return placing->crowded &&
	       count_of(keys_of(placing->module)) > (most < 2 ? 2 : most);
}

static int place(struct placing *placing, const struct mdi_share *share)
{
	struct mdi_domain *set = share->set, *module = placing->module;
	const struct mdi_users *users = placing->users;
	bool resident = mdi_slots_resident(set);
	int result = MODISO_ERR_NOKEY;

	if (set->runs.count == 0)
		return 0;
	if (set->merged_into == module)
		return set->half_tagged ? mdi_slots_tag(set, set->key) : 0;
	if (resident && too_many(placing))
		result = merge(set, module, share->access, keys_of(module),
			       users);
	if (result == MODISO_ERR_NOKEY && (resident || !placing->full))
		result = give_slot(set, keys_of(module), users);
	if (result != MODISO_ERR_NOKEY)
		return result;
	placing->full = true;
	result = merge(set, module, share->access, keys_of(module), users);
	/* Merged into a module that is entered: but a slot may be free. */
	return result != MODISO_ERR_NOKEY
		       ? result
		       : give_slot(set, keys_of(module), users);
}

/* Those that it may only read first: they need a key more than it has. */
static int place_all(struct placing *placing)
{
	const struct mdi_share *share;
	int result = 0;

	for (share = placing->module->shares; share != NULL && result == 0;
	     share = share->next)
		if (!(share->access & MDI_PROT_WRITE))
			result = place(placing, share);
	for (share = placing->module->shares; share != NULL && result == 0;
	     share = share->next)
		if (share->access & MDI_PROT_WRITE)
			result = place(placing, share);
	return result;
}

static bool is_crowded(const struct mdi_domain *module)
{
	const struct mdi_share *share;
	int need = 1;

	for (share = module->shares; share != NULL; share = share->next)
		need += share->set->runs.count != 0;
	return need > count_of(mdi_slots_all());
}

/* A round may take a key from a set of the module; the next one repairs it. */
#define ROUNDS 3

int mdi_sets_admit_all(struct mdi_domain *module, const struct mdi_users *users)
{
	struct placing placing = {
		.module = module,
		.users = users,
		.crowded = is_crowded(module),
	};
	int result;

	for (int round = 0; round < ROUNDS; round++) {
		placing.full = placing.crowded;
		result = mdi_slots_take(module, keys_of(module), users);
		if (result == MODISO_ERR_NOKEY)
			result = mdi_slots_take(module, 0, users);
		if (result == 0)
			result = place_all(&placing);
		if (result != 0 || all_there(module))
			return result;
	}
	return mdi_slots_busy();
}

/* The modules of a set with a thread inside: how many, and the last of them. */
static uint32_t count_inside(const struct mdi_domain *set,
			     const struct mdi_users *users,
			     const struct mdi_share **last)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < set->share_count; i++) {
		if (set->shares[i].module == NULL ||
		    !users->inside(set->shares[i].module))
			continue;
		*last = &set->shares[i];
		count++;
	}
	return count;
}

int mdi_sets_make_ready(const struct mdi_move *move,
			const struct mdi_users *users)
{
	const struct mdi_share *share = NULL;
	struct mdi_domain *set = move->to;
	uint32_t count = count_inside(set, users, &share);
	int result;

	if (count == 0 || (count == 1 && set->merged_into == share->module))
		return 0;
	result = give_slot(set, key_bit(move->from), users);
	if (result == MODISO_ERR_NOKEY && count == 1)
		result = merge(set, share->module, share->access,
			       keys_of(share->module) | key_bit(move->from),
			       users);
	return result;
}
