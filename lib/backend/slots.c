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
 * module, or is the guest of another key: slots_sets.c.
 *
 * A thread that a module makes has the rights of its maker for as long as it
 * lives, is in no list, and nothing can take rights from it. So the keys that
 * the maker has are lent from then on. One that is lent is not handed on, and
 * when its domain ends it is retired, until every thread of the process is
 * known again. Where nobody is inside of the domain, and the library's lock is
 * held, no thread with its rights can come but from such a one.
 */
#include "backend/slots.h"
#include "backend/slots_sets.h"

#include "backend/state.h"
#include "base/error.h"
#include "os/memory.h"

static struct mdi_slots_state *const own = &mdi_backend_state.slots;

void mdi_slots_start(uint32_t keys)
{
	int last = keys != 0 ? 31 - __builtin_clz(keys) : 0;

	own->all = keys;
	own->free = keys;
	own->lent = 0;
	own->retired = 0;
	mdi_sets_start();
	own->hand = (uint8_t)(keys != 0 ? __builtin_ctz(keys) : 0);
	for (int key = 0; key < MDI_PKRU_KEYS; key++) {
		own->owner[key] = NULL;
		if ((keys & 1u << key) == 0)
			continue;
		own->following[last] = (uint8_t)key;
		last = key;
	}
}

void mdi_slots_lend(uint32_t keys)
{
	__atomic_fetch_or(&own->lent, keys & own->all, __ATOMIC_RELAXED);
}

static bool is_lent(int key)
{
	return __atomic_load_n(&own->lent, __ATOMIC_RELAXED) & 1u << key;
}

static void take_back(uint32_t keys)
{
	__atomic_fetch_and(&own->lent, ~keys, __ATOMIC_RELAXED);
}

uint32_t mdi_slots_retired(void)
{
	return own->retired;
}

struct mdi_domain *mdi_slots_domain(int key)
{
	return own->owner[key];
}


/* What a module may do with its slot, if any, and those that its sets have. */
void mdi_slots_compute(struct mdi_domain *module)
{
	uint32_t pkru = module->pkru_parked;

	if (mdi_slots_resident(module))
		pkru &= ~MDI_PKRU_BOTH(module->key);
	module->head.pkru = mdi_sets_rights(module, pkru);
}

MDI_INLINE void compute(struct mdi_domain *module, uint32_t slot)
{
	uint32_t pkru = module->pkru_parked & ~slot;

	if (module->shares != NULL)
		pkru = mdi_sets_rights(module, pkru);
	module->head.pkru = pkru;
}

/* The pages of a domain carry this key. It had none that others could have. */
MDI_INLINE void give(struct mdi_domain *domain, int key)
{
	own->owner[key] = domain;
	domain->key = key;
	if (domain->kind == MDI_DOMAIN_MODULE)
		compute(domain, MDI_PKRU_BOTH(key));
	else
		mdi_sets_compute(domain);
}

/* They carry the host's. Whose the other one is the caller says. */
MDI_INLINE void park(struct mdi_domain *domain)
{
	domain->key = mdi_open.state.host_key;
	if (domain->kind == MDI_DOMAIN_MODULE)
		compute(domain, 0);
	else
		mdi_sets_compute(domain);
}

static int take_free(void)
{
	int key = __builtin_ctz(own->free);

	own->free &= own->free - 1;
	return key;
}

static void give_back(int key)
{
	*(is_lent(key) ? &own->retired : &own->free) |= 1u << key;
	own->owner[key] = NULL;
}

void mdi_slots_add(struct mdi_domain *domain)
{
	domain->key = mdi_open.state.host_key;
	domain->head.pkru = domain->pkru_parked;
	/* A set has no pages yet, and nobody who waits for it. */
	if (own->free != 0 && domain->kind == MDI_DOMAIN_MODULE)
		give(domain, take_free());
}

/*
 * Nobody is inside, and outside of modules every thread has rights on every
 * slot anyway: the key can go to the next module at once, unless it is lent.
 */
void mdi_slots_remove(struct mdi_domain *domain)
{
	if (domain->reader != NULL)
		mdi_sets_end_reader(domain);
	if (!mdi_slots_resident(domain))
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

MDI_INLINE void withdraw(const struct mdi_domain *domain,
			 const struct mdi_users *users)
{
	if (domain->kind == MDI_DOMAIN_MODULE)
		users->withdraw(domain);
	else
		mdi_sets_withdraw(domain, users);
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
		       mdi_sets_shut(domain, next, users);
}

/* Those who could have them have ended. */
static MDI_RARE void reinstate(const struct mdi_users *users)
{
	if (own->retired == 0 || users->strangers())
		return;
	take_back(own->retired);
	own->free |= own->retired;
	own->retired = 0;
}

MDI_INLINE bool any_lent(void)
{
	return __atomic_load_n(&own->lent, __ATOMIC_RELAXED) != 0;
}

/* May a thread have this key that nobody can ask to go? */
MDI_RARE bool mdi_slots_outlasted(int key, const struct mdi_users *users)
{
	return is_lent(key) && users->strangers();
}

MDI_RARE int mdi_slots_busy(void)
{
	return mdi_fail(MODISO_ERR_NOKEY,
			"threads are inside of all %d modules that have a "
			"protection key, or there are threads that modules "
			"have made (%d of %d keys wait for theirs to end); see "
			"modiso_options.key_wait_ms",
			__builtin_popcount(own->all & ~own->retired),
			__builtin_popcount(own->lent),
			__builtin_popcount(own->all));
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
		*key = own->hand;
		victim = own->owner[*key];
		own->hand = own->following[*key];
		next = own->owner[own->hand];
		if (loans &&
		    (victim == NULL || mdi_slots_outlasted(*key, users)))
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
			if (mdi_slots_outlasted(*key, users))
				continue;
			take_back(1u << *key);
		}
		next->noted = false;
		if (__builtin_expect(mdi_backend_state.sets.guests != 0, 0)) {
			result = mdi_sets_see_out(victim);
			if (result != 0)
				return result;
		}
		result = tag(victim, *key, mdi_open.state.host_key);
		if (result == 0)
			park(victim);
		return result;
	}
	return mdi_slots_busy();
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

	if (mdi_slots_resident(domain))
		return note(domain);
	if (own->free == 0 && any_lent())
		reinstate(users);
	if (own->free != 0) {
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

int mdi_slots_admit(struct mdi_domain *domain, const struct mdi_users *users)
{
	return domain->shares == NULL ? admit(domain, 0, users) :
					mdi_sets_admit_all(domain, users);
}

/* --- for slots_sets.c --- */

int mdi_slots_take(struct mdi_domain *domain, uint32_t keep,
		   const struct mdi_users *users)
{
	return admit(domain, keep, users);
}

int mdi_slots_tag(struct mdi_domain *domain, int to)
{
	int result = tag(domain, domain->key, to);

	if (result == 0)
		domain->key = to;
	return result;
}

uint32_t mdi_slots_all(void)
{
	return own->all;
}

void mdi_slots_free(int key)
{
	give_back(key);
}
