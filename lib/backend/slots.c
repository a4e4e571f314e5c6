/* SPDX-License-Identifier: MIT */
/*
 * Who has which key. A module that is entered without a slot takes a free one,
 * else that of the module idle longest, whose pages go to the host key: one
 * pkey_mprotect(2) for each run of pages with one protection, whatever the
 * number of regions.
 *
 * A gate that has a link asks nobody. So before a key changes hands the links
 * of all threads to the module that has it are withdrawn, every thread passes a
 * barrier, and only then is it seen who is inside: a gate names its module and
 * takes its frame first and reads the link after that (gate_pkey.S). Who
 * is inside keeps the key.
 *
 * Nobody notes when a module was entered last: that would be work on the hot
 * path. Instead a withdrawn link is what a cleared reference bit is in a page
 * table: the next call comes here and is noted. With each key that changes
 * hands the links to the module next in line are withdrawn.
 *
 * A set, regions that several modules have rights to, takes a slot like a
 * module. It is needed by each of its modules: a link to one is given when all
 * of its sets have theirs, and withdrawn when one of them loses it.
 *
 * A thread that a module makes has the rights of its maker for as long as it
 * lives, is in no list, and nothing can take rights from it. So the keys that
 * the maker has are lent from then on. One that is lent is not handed on, and
 * when its domain ends it is retired, until every thread of the process is known
 * again. Where nobody is inside of the domain, and the library's lock is held,
 * no thread with its rights can come but from such a one.
 */
#include "backend/slots.h"

#include "base/error.h"
#include "os/linux_sys.h"
#include "os/memory.h"

static uint32_t slots;      /* all of them */
static uint32_t free_slots; /* that no domain has */
static uint32_t lent;       /* a thread that a module made may have these */
static uint32_t retired;    /* of them, those that no domain has any more */
static struct mdi_domain *owner[MDI_PKRU_KEYS];
static uint64_t clock_now; /* counts admissions */

void mdi_slots_start(uint32_t keys)
{
	slots = keys;
	free_slots = keys;
	lent = 0;
	retired = 0;
	clock_now = 0;
	for (int key = 0; key < MDI_PKRU_KEYS; key++)
		owner[key] = NULL;
}

void mdi_slots_lend(uint32_t keys)
{
	__atomic_fetch_or(&lent, keys & slots, __ATOMIC_RELAXED);
}

static bool is_lent(int key)
{
	return __atomic_load_n(&lent, __ATOMIC_RELAXED) & 1u << key;
}

static void take_back(uint32_t keys)
{
	__atomic_fetch_and(&lent, ~keys, __ATOMIC_RELAXED);
}

uint32_t mdi_slots_retired(void)
{
	return retired;
}

struct mdi_domain *mdi_slots_domain(int key)
{
	return owner[key];
}

static bool resident(const struct mdi_domain *domain)
{
	return owner[domain->key] == domain;
}

static void compute(struct mdi_domain *module)
{
	uint32_t pkru = module->pkru_parked;

	if (resident(module))
		pkru &= ~MDI_PKRU_BOTH(module->key);
	for (const struct mdi_share *share = module->shares; share != NULL;
	     share = share->next) {
		if (!resident(share->set))
			continue;
		pkru &= ~MDI_PKRU_AD(share->set->key);
		if (share->access & MDI_PROT_WRITE)
			pkru &= ~MDI_PKRU_WD(share->set->key);
	}
	module->head.pkru = pkru;
}

/* Run @act for a module, or for every one that has rights to a set. */
static void for_modules(struct mdi_domain *domain,
			void (*act)(struct mdi_domain *module))
{
	if (domain->kind == MDI_DOMAIN_MODULE)
		act(domain);
	if (domain->kind != MDI_DOMAIN_SHARED)
		return;
	for (uint32_t i = 0; i < domain->share_count; i++)
		if (domain->shares[i].module != NULL)
			act(domain->shares[i].module);
}

static void give(struct mdi_domain *domain, int key)
{
	free_slots &= ~(1u << key);
	owner[key] = domain;
	domain->key = key;
	for_modules(domain, compute);
}

static void park(struct mdi_domain *domain)
{
	if (resident(domain)) {
		*(is_lent(domain->key) ? &retired : &free_slots) |=
			1u << domain->key;
		owner[domain->key] = NULL;
	}
	domain->key = mdi_open.state.host_key;
	for_modules(domain, compute);
}

void mdi_slots_add(struct mdi_domain *domain)
{
	/* A set has no pages yet, and nobody who waits for it. */
	if (free_slots != 0 && domain->kind == MDI_DOMAIN_MODULE)
		give(domain, __builtin_ctz(free_slots));
	else
		park(domain);
	domain->used = ++clock_now;
}

/*
 * Nobody is inside, and outside of modules every thread has rights on every
 * slot anyway: the key can go to the next module at once, unless it is lent.
 */
void mdi_slots_remove(struct mdi_domain *domain)
{
	park(domain);
}

static int tag_runs(const struct mdi_runs *runs, size_t count, int key)
{
	for (size_t i = 0; i < count; i++) {
		const struct mdi_run *run = &runs->run[i];

		if (mdi_mem_protect_key(run->base, run->length, run->prot,
					key) != 0)
			return mdi_fail_os("pkey_mprotect",
					   "%zu bytes at %p", run->length,
					   (void *)run->base);
	}
	return 0;
}

/*
 * All pages of a domain from one key to another. When that fails half-way they
 * go back; when that fails as well the domain keeps the slot among the two, is
 * torn, and is tagged as a whole before anybody enters it again.
 */
static int tag(struct mdi_domain *domain, int from, int to)
{
	int result = tag_runs(&domain->runs, domain->runs.count, to);

	domain->torn = result != 0 &&
		       tag_runs(&domain->runs, domain->runs.count, from) != 0;
	return result;
}

/* --- taking a slot --- */

static void withdraw(const struct mdi_domain *domain,
		     const struct mdi_users *users)
{
	if (domain->kind == MDI_DOMAIN_MODULE)
		users->withdraw(domain);
	if (domain->kind != MDI_DOMAIN_SHARED)
		return;
	for (uint32_t i = 0; i < domain->share_count; i++)
		if (domain->shares[i].module != NULL)
			users->withdraw(domain->shares[i].module);
}

static bool barrier(const struct mdi_users *users)
{
	return !users->others() || mdi_sys_membarrier() == 0;
}

/* Is a thread in a module that has this key? */
static bool inside(const struct mdi_domain *domain,
		   const struct mdi_users *users)
{
	if (domain->kind == MDI_DOMAIN_MODULE)
		return users->inside(domain);
	for (uint32_t i = 0; i < domain->share_count; i++)
		if (domain->shares[i].module != NULL &&
		    users->inside(domain->shares[i].module))
			return true;
	return false;
}

/* No thread enters @domain without asking; true: nobody is inside. */
static bool close_gates(const struct mdi_domain *domain,
			const struct mdi_users *users)
{
	withdraw(domain, users);
	return barrier(users) && !inside(domain, users);
}

/* Who was admitted longest ago, but for the keys in @tried. */
static struct mdi_domain *oldest(uint32_t tried)
{
	struct mdi_domain *found = NULL;

	for (uint32_t left = slots & ~tried; left != 0; left &= left - 1) {
		struct mdi_domain *domain = owner[__builtin_ctz(left)];

		if (domain != NULL &&
		    (found == NULL || domain->used < found->used))
			found = domain;
	}
	return found;
}

static int evict(struct mdi_domain *victim)
{
	int result = tag(victim, victim->key, mdi_open.state.host_key);

	if (result == 0)
		park(victim);
	return result;
}

/* Those who could have them have ended. */
static void reinstate(const struct mdi_users *users)
{
	if (retired == 0 || users->strangers())
		return;
	take_back(retired);
	free_slots |= retired;
	retired = 0;
}

/* May a thread have this domain's key that nobody can ask to go? */
static bool outlasted(const struct mdi_domain *domain,
		      const struct mdi_users *users)
{
	return is_lent(domain->key) && users->strangers();
}

/* Of anybody but those in @tried. */
static int take_slot(uint32_t tried, const struct mdi_users *users)
{
	struct mdi_domain *victim, *next;
	int result;

	while ((victim = oldest(tried)) != NULL) {
		tried |= 1u << victim->key;
		if (inside(victim, users) || outlasted(victim, users) ||
		    !close_gates(victim, users) || outlasted(victim, users))
			continue;
		take_back(1u << victim->key);
		result = evict(victim);
		if (result != 0)
			return result;
		next = oldest(tried);
		if (next != NULL)
			withdraw(next, users);
		return 0;
	}
	return mdi_fail(MODISO_ERR_NOKEY,
			"threads are inside of all %d modules that have a "
			"protection key, or there are threads that modules "
			"have made (%d of %d keys wait for theirs to end); see "
			"modiso_options.key_wait_ms",
			__builtin_popcount(slots & ~retired),
			__builtin_popcount(lent), __builtin_popcount(slots));
}

/* Keys in @keep are needed as well. */
static int admit(struct mdi_domain *domain, uint32_t keep,
		 const struct mdi_users *users)
{
	int key, result;

	domain->used = ++clock_now;
	if (resident(domain)) {
		if (domain->torn)
			return tag(domain, domain->key, domain->key);
		return 0;
	}
	if (free_slots == 0)
		reinstate(users);
	if (free_slots == 0) {
		result = take_slot(keep, users);
		if (result != 0)
			return result;
	}
	key = __builtin_ctz(free_slots);
	result = tag(domain, domain->key, key);
	if (result == 0 || domain->torn)
		give(domain, key);
	return result;
}

static uint32_t key_bit(const struct mdi_domain *domain)
{
	return resident(domain) ? 1u << domain->key : 0;
}

int mdi_slots_admit(struct mdi_domain *domain, const struct mdi_users *users)
{
	const struct mdi_share *share;
	uint32_t keep = 0;
	int result;

	for (share = domain->shares; share != NULL; share = share->next)
		keep |= key_bit(share->set);
	result = admit(domain, keep, users);
	keep |= key_bit(domain);
	for (share = domain->shares; share != NULL && result == 0;
	     share = share->next) {
		if (share->set->runs.count == 0)
			continue;
		result = admit(share->set, keep, users);
		keep |= key_bit(share->set);
	}
	return result;
}

/* --- sets --- */

/* Keys that @module needs at a time when the pages have moved. */
static int keys_needed(const struct mdi_domain *module,
		       const struct mdi_move *move)
{
	int count = 1;

	for (const struct mdi_share *share = module->shares; share != NULL;
	     share = share->next) {
		const struct mdi_runs *runs = &share->set->runs;

		if (share->set == move->from)
			runs = move->from_runs;
		else if (share->set == move->to)
			runs = move->to_runs;
		count += runs->count != 0;
	}
	return count;
}

static int check_keys(const struct mdi_move *move)
{
	int all = __builtin_popcount(slots), need;

	if (move->to->kind != MDI_DOMAIN_SHARED)
		return 0;
	for (uint32_t i = 0; i < move->to->share_count; i++) {
		if (move->to->shares[i].module == NULL)
			continue;
		need = keys_needed(move->to->shares[i].module, move);
		if (need > all)
			return mdi_fail(MODISO_ERR_NOKEY,
					"a module would need %d protection "
					"keys at a time, its own and one for "
					"each set of modules that it shares "
					"regions with; %d are there",
					need, all);
	}
	return 0;
}

/*
 * Whoever is inside when the pages move gets his rights to them in the fault
 * handler, so the key must be there; all others come and ask.
 */
int mdi_slots_prepare(const struct mdi_move *move,
		      const struct mdi_users *users)
{
	int result = check_keys(move);

	if (result != 0)
		return result;
	withdraw(move->from, users);
	withdraw(move->to, users);
	if (!barrier(users))
		return mdi_fail_os("membarrier", "changing rights");
	if (move->to->kind == MDI_DOMAIN_SHARED && inside(move->to, users))
		result = admit(move->to, key_bit(move->from), users);
	return result;
}

bool mdi_slots_retire(struct mdi_domain *set, const struct mdi_users *users)
{
	if (!resident(set))
		return true;
	if (!close_gates(set, users))
		return false;
	park(set);
	return true;
}
