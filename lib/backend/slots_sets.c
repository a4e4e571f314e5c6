/* SPDX-License-Identifier: MIT */
/*
 * Sets: regions that the same modules have the same rights to.
 *
 * A set is needed by each of its modules. It has a slot of its own, like a
 * module, and each may have it open at the same time: a link to a module is
 * given when all of its sets have their keys, and withdrawn when one of them
 * loses it.
 *
 * A module that needs more keys than can be had shares: what it may write goes
 * to its own key, what it may only read to one more, its reader, for which
 * there is a domain without pages. Such a set is a guest. Its pages are open to
 * whoever has that key, so they may be to this module alone: nobody is inside
 * of the set's other modules then, nor comes in without asking. Who asks gets
 * the set a slot of its own, if there is one to be had, and the module goes on
 * with its rights to that; or makes it a guest of its own, when nobody is
 * inside of the module any more.
 *
 * In no order of events is a set parked while a thread is inside of a module
 * that has rights to it and could have used them.
 */
#include "backend/slots_sets.h"
#include "backend/slots.h"

#include "backend/state.h"
#include "base/error.h"
#include "base/misuse.h"
#include "os/linux_sys.h"
#include "os/memory.h"

static struct mdi_sets_state *const own = &mdi_backend_state.sets;

void mdi_sets_start(void)
{
	for (int i = 0; i < MDI_PKRU_KEYS; i++)
		own->readers[i] = (struct mdi_reader){
			.domain.kind = MDI_DOMAIN_SHARED,
			.domain.key = mdi_open.state.host_key,
			.domain.share_count = 1,
			.domain.shares = &own->readers[i].share,
		};
	own->guests = 0;
}

static uint32_t key_bit(const struct mdi_domain *domain)
{
	return mdi_slots_resident(domain) ? 1u << domain->key : 0;
}

/* --- for each module of a set --- */

uint32_t mdi_sets_rights(const struct mdi_domain *module, uint32_t pkru)
{
	for (const struct mdi_share *share = module->shares; share != NULL;
	     share = share->next) {
		if (!mdi_slots_resident(share->set))
			continue; /* a guest's key is open already */
		pkru &= ~MDI_PKRU_AD(share->set->key);
		if (share->access & MDI_PROT_WRITE)
			pkru &= ~MDI_PKRU_WD(share->set->key);
	}
	if (module->reader != NULL && mdi_slots_resident(module->reader))
		pkru &= ~MDI_PKRU_AD(module->reader->key);
	return pkru;
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

static void withdraw(const struct mdi_domain *domain,
		     const struct mdi_users *users)
{
	if (domain->kind == MDI_DOMAIN_MODULE)
		users->withdraw(domain);
	else
		mdi_sets_withdraw(domain, users);
}

/* Nobody is inside of its modules, but for @but, nor enters without asking. */
static bool shut_all_but(const struct mdi_domain *set,
			 const struct mdi_domain *but,
			 const struct mdi_users *users)
{
	for (uint32_t i = 0; i < set->share_count; i++) {
		const struct mdi_domain *module = set->shares[i].module;

		if (module != NULL && module != but &&
		    !users->shut(module, module))
			return false;
	}
	return true;
}

bool mdi_sets_shut(const struct mdi_domain *domain,
		   const struct mdi_domain *next, const struct mdi_users *users)
{
	withdraw(next, users);
	return domain->kind == MDI_DOMAIN_MODULE
		       ? users->shut(domain, domain)
		       : shut_all_but(domain, NULL, users);
}

/* --- guests --- */

static void no_guest(struct mdi_domain *set)
{
	if (set->guest_of == NULL)
		return;
	set->guest_of = NULL;
	own->guests--;
}

static struct mdi_domain *module_of(struct mdi_domain *owner)
{
	if (owner->kind == MDI_DOMAIN_MODULE)
		return owner;
	return owner->shares[0].module != NULL &&
			       owner->shares[0].module->reader == owner
		       ? owner->shares[0].module
		       : NULL; /* a set has no guests */
}

int mdi_sets_see_out(struct mdi_domain *owner)
{
	struct mdi_domain *module = module_of(owner);
	const struct mdi_share *share = module ? module->shares : NULL;
	int result = 0;

	for (; share != NULL && result == 0; share = share->next) {
		if (share->set->guest_of != module ||
		    share->set->key != owner->key)
			continue;
		result = mdi_slots_tag(share->set, mdi_open.state.host_key);
		if (result == 0)
			no_guest(share->set);
	}
	return result;
}

int mdi_slots_empty(struct mdi_domain *module, const struct mdi_users *users)
{
	int result;

	if (own->guests == 0)
		return 0;
	users->withdraw(module);
	result = mdi_sets_see_out(module);
	if (result == 0 && module->reader != NULL)
		result = mdi_sets_see_out(module->reader);
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

/* One that others of the module's sets may be robbed for. */
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
	if (set->torn && from != mdi_open.state.host_key)
		mdi_misuse("pkey_mprotect(2) stopped half-way and would not "
			   "put back what it had changed; going on could leave "
			   "memory open");
}

/*
 * A set shares one of the keys of @module, who has its own. A slot that it
 * leaves is anybody's then, so nobody at all may have it open, and it is left
 * to a thread that one of its modules has made.
 */
static int make_guest(struct mdi_domain *set, struct mdi_domain *module,
		      uint32_t access, uint32_t keep,
		      const struct mdi_users *users)
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
	if (!shut_all_but(set, leaves ? NULL : module, users) ||
	    (leaves && mdi_slots_outlasted(from, users)))
		return mdi_slots_busy();
	result = mdi_slots_tag(set, key);
	must_be_whole(set, from);
	if (result != 0 && !set->torn)
		return result;
	if (leaves)
		mdi_slots_free(from);
	set->key = key;
	own->guests += set->guest_of == NULL;
	set->guest_of = module;
	mdi_sets_compute(set);
	return result;
}

/* A slot of its own. Who has it as a guest keeps its rights, by that. */
static int make_resident(struct mdi_domain *set, uint32_t keep,
			 const struct mdi_users *users)
{
	int from = set->key, result;

	if (set->guest_of != NULL)
		users->withdraw(set->guest_of);
	result = mdi_slots_take(set, keep, users);
	if (result == 0)
		no_guest(set);
	else if (set->guest_of != NULL)
		must_be_whole(set, from);
	return result;
}

/* --- a module and all of its sets --- */

static bool is_there(const struct mdi_domain *set,
		     const struct mdi_domain *module)
{
	return set->runs.count == 0 || mdi_slots_resident(set) ||
	       set->guest_of == module;
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
	if (set->guest_of == module)
		return set->torn ? mdi_slots_tag(set, set->key) : 0;
	if (resident && too_many(placing))
		result = make_guest(set, module, share->access, keys_of(module),
				    users);
	if (result == MODISO_ERR_NOKEY && (resident || !placing->full))
		result = make_resident(set, keys_of(module), users);
	if (result != MODISO_ERR_NOKEY)
		return result;
	placing->full = true;
	result = make_guest(set, module, share->access, keys_of(module), users);
	/* Of another one, which somebody is inside of: a slot may be free. */
	return result != MODISO_ERR_NOKEY
		       ? result
		       : make_resident(set, keys_of(module), users);
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

/* What one round had to take from a set of the module the next one makes up. */
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

	if (to->kind != MDI_DOMAIN_SHARED || count_of(mdi_slots_all()) >= 2)
		return 0;
	for (uint32_t i = 0; i < to->share_count; i++)
		if (to->shares[i].module != NULL &&
		    will_read(to->shares[i].module, move))
			return mdi_fail(MODISO_ERR_NOKEY,
					"one protection key is there for "
					"modules; with what it may only read a "
					"module needs two");
	return 0;
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

/*
 * Whoever is inside when the pages move gets his rights to them in the fault
 * handler, so the key must be there; all others come and ask.
 */
static int make_ready(const struct mdi_move *move,
		      const struct mdi_users *users)
{
	const struct mdi_share *share = NULL;
	struct mdi_domain *set = move->to;
	uint32_t count = count_inside(set, users, &share);
	int result;

	if (count == 0 || (count == 1 && set->guest_of == share->module))
		return 0;
	result = make_resident(set, key_bit(move->from), users);
	if (result == MODISO_ERR_NOKEY && count == 1)
		result = make_guest(
			set, share->module, share->access,
			keys_of(share->module) | key_bit(move->from), users);
	return result;
}

int mdi_slots_prepare(const struct mdi_move *move,
		      const struct mdi_users *users)
{
	int result = check_keys(move);

	if (result != 0)
		return result;
	withdraw(move->from, users);
	withdraw(move->to, users);
	if (users->others() && mdi_sys_membarrier() != 0)
		return mdi_fail_os("membarrier", "changing rights");
	return move->to->kind == MDI_DOMAIN_SHARED ? make_ready(move, users)
						   : 0;
}

bool mdi_slots_retire(struct mdi_domain *set, const struct mdi_users *users)
{
	if (set->guest_of != NULL) {
		no_guest(set);
		set->key = mdi_open.state.host_key;
		return true;
	}
	if (!mdi_slots_resident(set))
		return true;
	if (!mdi_sets_shut(set, set, users))
		return false;
	mdi_slots_remove(set);
	return true;
}
