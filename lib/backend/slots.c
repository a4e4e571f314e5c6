/* SPDX-License-Identifier: MIT */
/*
 * Who has which key. A module that is entered without a slot takes a free one,
 * else that of a module that is idle, whose pages go to the host key: one
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
 * path. Instead the keys are a circle with a hand, and a withdrawn link is what
 * a cleared reference bit is in a page table: the next call comes here and is
 * noted. With each key that changes hands the links to the module that is next
 * are withdrawn; when the hand comes to one that was noted since, it goes on.
 *
 * A set, regions that several modules have rights to, takes a slot like a
 * module. It is needed by each of its modules: a link to one is given when all
 * of its sets have theirs, and withdrawn when one of them loses it.
 *
 * A thread that a module makes has the rights of its maker for as long as it
 * lives, is in no list, and nothing can take rights from it. So the keys that
 * the maker has are lent from then on. One that is lent is not handed on, and
 * when its domain ends it is retired, until every thread of the process is
 * known again. Where nobody is inside of the domain, and the library's lock is
 * held, no thread with its rights can come but from such a one.
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
/* The circle of keys: whose turn it is to be taken away, and who follows. */
static uint8_t hand, following[MDI_PKRU_KEYS];

void mdi_slots_start(uint32_t keys)
{
	int last = keys != 0 ? 31 - __builtin_clz(keys) : 0;

	slots = keys;
	free_slots = keys;
	lent = 0;
	retired = 0;
	hand = (uint8_t)(keys != 0 ? __builtin_ctz(keys) : 0);
	for (int key = 0; key < MDI_PKRU_KEYS; key++) {
		owner[key] = NULL;
		if ((keys & 1u << key) == 0)
			continue;
		following[last] = (uint8_t)key;
		last = key;
	}
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

static MDI_RARE uint32_t with_sets(const struct mdi_domain *module,
				   uint32_t pkru)
{
	for (const struct mdi_share *share = module->shares; share != NULL;
	     share = share->next) {
		if (!resident(share->set))
			continue;
		pkru &= ~MDI_PKRU_AD(share->set->key);
		if (share->access & MDI_PROT_WRITE)
			pkru &= ~MDI_PKRU_WD(share->set->key);
	}
	return pkru;
}

/* What a module may do with its slot, if any, and those that its sets have. */
MDI_INLINE void compute(struct mdi_domain *module, uint32_t slot)
{
	uint32_t pkru = module->pkru_parked & ~slot;

	if (module->shares != NULL)
		pkru = with_sets(module, pkru);
	module->head.pkru = pkru;
}

static MDI_RARE void compute_each(const struct mdi_domain *set)
{
	for (uint32_t i = 0; i < set->share_count; i++) {
		struct mdi_domain *module = set->shares[i].module;

		if (module != NULL)
			compute(module, resident(module) ?
						MDI_PKRU_BOTH(module->key) :
						0);
	}
}

/* The pages of a domain carry this key. It had none that others could have. */
MDI_INLINE void give(struct mdi_domain *domain, int key)
{
	owner[key] = domain;
	domain->key = key;
	if (domain->kind == MDI_DOMAIN_MODULE)
		compute(domain, MDI_PKRU_BOTH(key));
	else
		compute_each(domain);
}

/* They carry the host's. Whose the other one is the caller says. */
MDI_INLINE void park(struct mdi_domain *domain)
{
	domain->key = mdi_open.state.host_key;
	if (domain->kind == MDI_DOMAIN_MODULE)
		compute(domain, 0);
	else
		compute_each(domain);
}

static int take_free(void)
{
	int key = __builtin_ctz(free_slots);

	free_slots &= free_slots - 1;
	return key;
}

static void give_back(int key)
{
	*(is_lent(key) ? &retired : &free_slots) |= 1u << key;
	owner[key] = NULL;
}

void mdi_slots_add(struct mdi_domain *domain)
{
	domain->key = mdi_open.state.host_key;
	domain->head.pkru = domain->pkru_parked;
	/* A set has no pages yet, and nobody who waits for it. */
	if (free_slots != 0 && domain->kind == MDI_DOMAIN_MODULE)
		give(domain, take_free());
}

/*
 * Nobody is inside, and outside of modules every thread has rights on every
 * slot anyway: the key can go to the next module at once, unless it is lent.
 */
void mdi_slots_remove(struct mdi_domain *domain)
{
	if (!resident(domain))
		return;
	give_back(domain->key);
	park(domain);
}

/*
 * Not all runs of a domain have got their key. They go back to the one that
 * they had; when that fails as well the domain keeps the slot among the two, is
 * torn, and is tagged as a whole before anybody enters it again.
 */
static MDI_RARE int untag(struct mdi_domain *domain, int from,
			  const struct mdi_run *refused)
{
	const struct mdi_runs *runs = &domain->runs;
	int result = mdi_fail_os("pkey_mprotect", "%zu bytes at %p",
				 refused->length, (void *)refused->base);

	domain->torn = mdi_mem_key_runs(runs->run, runs->count, from) != NULL;
	return result;
}

/* All pages of a domain from one key to another. */
MDI_INLINE int tag(struct mdi_domain *domain, int from, int to)
{
	const struct mdi_run *refused =
		mdi_mem_key_runs(domain->runs.run, domain->runs.count, to);

	if (__builtin_expect(refused != NULL, 0))
		return untag(domain, from, refused);
	domain->torn = false;
	return 0;
}

/* --- taking a slot --- */

static MDI_RARE void withdraw_each(const struct mdi_domain *set,
				   const struct mdi_users *users)
{
	for (uint32_t i = 0; i < set->share_count; i++)
		if (set->shares[i].module != NULL)
			users->withdraw(set->shares[i].module);
}

MDI_INLINE void withdraw(const struct mdi_domain *domain,
			 const struct mdi_users *users)
{
	if (domain->kind == MDI_DOMAIN_MODULE)
		users->withdraw(domain);
	else
		withdraw_each(domain, users);
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

/* With sets among the two: the same for each of their modules. */
static MDI_RARE bool shut_each(const struct mdi_domain *domain,
			       const struct mdi_domain *next,
			       const struct mdi_users *users)
{
	withdraw(next, users);
	if (domain->kind == MDI_DOMAIN_MODULE)
		return users->shut(domain, domain);
	for (uint32_t i = 0; i < domain->share_count; i++)
		if (domain->shares[i].module != NULL &&
		    !users->shut(domain->shares[i].module,
				 domain->shares[i].module))
			return false;
	return true;
}

/*
 * Nobody is inside of @domain, nor enters it without asking. @next, who may be
 * the same, is entered by asking as well.
 */
MDI_INLINE bool shut(const struct mdi_domain *domain,
		     const struct mdi_domain *next,
		     const struct mdi_users *users)
{
	return domain->kind == MDI_DOMAIN_MODULE &&
			       next->kind == MDI_DOMAIN_MODULE ?
		       users->shut(domain, next) :
		       shut_each(domain, next, users);
}

/* Those who could have them have ended. */
static MDI_RARE void reinstate(const struct mdi_users *users)
{
	if (retired == 0 || users->strangers())
		return;
	take_back(retired);
	free_slots |= retired;
	retired = 0;
}

MDI_INLINE bool any_lent(void)
{
	return __atomic_load_n(&lent, __ATOMIC_RELAXED) != 0;
}

/* May a thread have this key that nobody can ask to go? */
static MDI_RARE bool outlasted(int key, const struct mdi_users *users)
{
	return is_lent(key) && users->strangers();
}

static MDI_RARE int all_busy(void)
{
	return mdi_fail(MODISO_ERR_NOKEY,
			"threads are inside of all %d modules that have a "
			"protection key, or there are threads that modules "
			"have made (%d of %d keys wait for theirs to end); see "
			"modiso_options.key_wait_ms",
			__builtin_popcount(slots & ~retired),
			__builtin_popcount(lent), __builtin_popcount(slots));
}

/*
 * A key that was anybody's but those in @keep; all are taken. Twice around: who
 * was noted since the hand came by last is passed over once.
 */
MDI_INLINE int take_key(uint32_t keep, const struct mdi_users *users, int *key)
{
	struct mdi_domain *victim, *next;
	bool loans = any_lent();
	int result;

	for (int left = 2 * MDI_PKRU_KEYS; left > 0; left--) {
		*key = hand;
		victim = owner[*key];
		hand = following[*key];
		next = owner[hand];
		if (loans && (victim == NULL || outlasted(*key, users)))
			continue; /* the first of these: it is retired */
		if (loans && next == NULL)
			next = victim;
		if (keep & 1u << *key)
			continue;
		if (victim->noted) {
			victim->noted = false;
			withdraw(victim, users);
			continue;
		}
		if (!shut(victim, next, users))
			continue;
		/* Who was inside until then may have lent it. */
		if (any_lent()) {
			if (outlasted(*key, users))
				continue;
			take_back(1u << *key);
		}
		next->noted = false;
		result = tag(victim, *key, mdi_open.state.host_key);
		if (result == 0)
			park(victim);
		return result;
	}
	return all_busy();
}

/* It has a slot: a call has come by. */
static MDI_RARE int note(struct mdi_domain *domain)
{
	domain->noted = true;
	return domain->torn ? tag(domain, domain->key, domain->key) : 0;
}

/* Keys in @keep are needed as well. */
MDI_INLINE int admit(struct mdi_domain *domain, uint32_t keep,
		     const struct mdi_users *users)
{
	int key, result;

	if (resident(domain))
		return note(domain);
	if (free_slots == 0 && any_lent())
		reinstate(users);
	if (free_slots != 0) {
		key = take_free();
	} else {
		result = take_key(keep, users, &key);
		if (result != 0)
			return result;
	}
	result = tag(domain, domain->key, key);
	if (result == 0 || domain->torn)
		give(domain, key);
	else
		give_back(key);
	return result;
}

static uint32_t key_bit(const struct mdi_domain *domain)
{
	return resident(domain) ? 1u << domain->key : 0;
}

/* A module and all of its sets. */
static MDI_RARE int admit_all(struct mdi_domain *domain,
			      const struct mdi_users *users)
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

int mdi_slots_admit(struct mdi_domain *domain, const struct mdi_users *users)
{
	return domain->shares == NULL ? admit(domain, 0, users) :
					admit_all(domain, users);
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
	if (users->others() && mdi_sys_membarrier() != 0)
		return mdi_fail_os("membarrier", "changing rights");
	if (move->to->kind == MDI_DOMAIN_SHARED && inside(move->to, users))
		result = admit(move->to, key_bit(move->from), users);
	return result;
}

bool mdi_slots_retire(struct mdi_domain *set, const struct mdi_users *users)
{
	if (!resident(set))
		return true;
	if (!shut(set, set, users))
		return false;
	mdi_slots_remove(set);
	return true;
}
