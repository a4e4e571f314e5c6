/* SPDX-License-Identifier: MIT */
/*
 * Which domain has which slot, and which one loses its slot to another.
 *
 * A module that is entered without a slot takes a free one, or evicts a module
 * that is idle: that one's pages go to the host key, with one pkey_mprotect(2)
 * for each run of pages of one protection, whatever the number of regions.
 *
 * A gate that has a link asks nobody. So an eviction first withdraws the links
 * of all threads to the victim, makes every thread pass a barrier, and looks
 * only then who is inside: a gate names its module and takes its frame before
 * it reads the link (core/frames.h). A victim that is entered keeps its key.
 * doc/DESIGN 4 shows this as a diagram of time.
 *
 * Who is next is decided by a clock with a second chance, as with pages in an
 * operating system. To note each entry of a module would be work on the hot
 * path, so a withdrawn link takes the place of a cleared reference bit: the
 * next call comes here and sets the bit. Whenever a key changes hands, the
 * links to the module that is next are withdrawn; the clock's hand passes over
 * one that has been referenced since.
 *
 * A set, regions that several modules have rights to, takes a slot like a
 * module, or is merged into a module's key: sets_place.c.
 *
 * A thread that a module makes is foreign: it has the rights of its maker for
 * as long as it lives, is in no list, and nothing can take rights from it. So
 * its maker's keys are pinned: they are not given to others, and when their
 * domain ends they are retired, until no thread of the process is foreign any
 * more. The mark of a pinned key may be out of date; where the library's lock
 * is held and nobody is inside of the domain, only a foreign thread can have
 * its rights.
 */
#include "backend/slots.h"
#include "backend/sets.h"

#include "backend/state.h"
#include "base/error.h"
#include "os/memory.h"

static struct mdi_slots_state *const own = &mdi_backend_state.slots;

void mdi_slots_start(uint32_t keys)
{
	int last = keys != 0 ? 31 - __builtin_clz(keys) : 0;

	own->all = keys;
	own->free = keys;
	own->pinned = 0;
	own->retired = 0;
	mdi_sets_start();
	own->clock_hand = (uint8_t)(keys != 0 ? __builtin_ctz(keys) : 0);
	for (int key = 0; key < MDI_RIGHTS_KEYS; key++) {
		own->owner[key] = NULL;
		if ((keys & 1u << key) == 0)
			continue;
		own->clock_next[last] = (uint8_t)key;
		last = key;
	}
}

void mdi_slots_pin(uint32_t keys)
{
	__atomic_fetch_or(&own->pinned, keys & own->all, __ATOMIC_RELAXED);
}

static bool is_marked(int key)
{
	return __atomic_load_n(&own->pinned, __ATOMIC_RELAXED) & 1u << key;
}

static void unmark(uint32_t keys)
{
	__atomic_fetch_and(&own->pinned, ~keys, __ATOMIC_RELAXED);
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
	uint32_t rights = module->parked_rights;

	if (mdi_slots_resident(module))
		rights = mdi_rights_allow(rights, module->key, true);
	module->head.rights = mdi_sets_rights(module, rights);
}

MDI_INLINE void compute(struct mdi_domain *module, uint32_t rights)
{
	if (module->shares != NULL)
		rights = mdi_sets_rights(module, rights);
	module->head.rights = rights;
}

/* The pages of a domain carry this key. It had none that others could have. */
MDI_INLINE void give(struct mdi_domain *domain, int key)
{
	own->owner[key] = domain;
	domain->key = key;
	if (domain->kind == MDI_DOMAIN_MODULE)
		compute(domain,
			mdi_rights_allow(domain->parked_rights, key, true));
	else
		mdi_sets_compute(domain);
}

/* They carry the host's. Whose the slot is now the caller says. */
MDI_INLINE void park(struct mdi_domain *domain)
{
	domain->key = mdi_open.state.host_key;
	if (domain->kind == MDI_DOMAIN_MODULE)
		compute(domain, domain->parked_rights);
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
	*(is_marked(key) ? &own->retired : &own->free) |= 1u << key;
	own->owner[key] = NULL;
}

void mdi_slots_add(struct mdi_domain *domain)
{
	domain->key = mdi_open.state.host_key;
	domain->head.rights = domain->parked_rights;
	/* A set has no pages yet, and nobody who waits for it. */
	if (own->free != 0 && domain->kind == MDI_DOMAIN_MODULE)
		give(domain, take_free());
}

/*
 * Nobody is inside, and outside of modules every thread has rights on every
 * slot anyway: the key can go to the next module at once, unless it is pinned.
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
 * they had. When that fails as well the domain is half tagged: it keeps the
 * slot among the two keys, and all of its pages are tagged again before anybody
 * enters it.
 */
static MDI_RARE int untag(struct mdi_domain *domain, int from,
			  const struct mdi_run *refused)
{
	const struct mdi_runs *runs = &domain->runs;
	int result = mdi_fail_os("pkey_mprotect", "%zu bytes at %p",
				 refused->length, (void *)refused->base);

	domain->half_tagged =
		mdi_mem_key_runs(runs->run, runs->count, from) != NULL;
	return result;
}

/* All pages of a domain from one key to another. */
MDI_INLINE int tag(struct mdi_domain *domain, int from, int to)
{
	const struct mdi_run *refused =
		mdi_mem_key_runs(domain->runs.run, domain->runs.count, to);

	if (__builtin_expect(refused != NULL, 0))
		return untag(domain, from, refused);
	domain->half_tagged = false;
	return 0;
}

/* --- taking a slot --- */

/*
 * True: nobody is inside of @domain, and nobody enters it without coming to
 * admit(). The links to @next, which may be the same, are withdrawn as well.
 */
MDI_INLINE bool quiesce(const struct mdi_domain *domain,
			const struct mdi_domain *next,
			const struct mdi_users *users)
{
	return domain->kind == MDI_DOMAIN_MODULE &&
			       next->kind == MDI_DOMAIN_MODULE
		       ? users->quiesce(domain, next)
		       : mdi_sets_quiesce(domain, next, users);
}

/* Retired keys are free again when no foreign thread is left. */
static MDI_RARE void reinstate(const struct mdi_users *users)
{
	if (own->retired == 0 || users->foreign_threads())
		return;
	unmark(own->retired);
	own->free |= own->retired;
	own->retired = 0;
}

MDI_INLINE bool any_marked(void)
{
	return __atomic_load_n(&own->pinned, __ATOMIC_RELAXED) != 0;
}

/* May a foreign thread have this key? */
MDI_RARE bool mdi_slots_pinned(int key, const struct mdi_users *users)
{
	return is_marked(key) && users->foreign_threads();
}

MDI_RARE int mdi_slots_busy(void)
{
	return mdi_fail(MODISO_ERR_NOKEY,
			"threads are inside of all %d modules that have a "
			"protection key, or there are threads that modules "
			"have made (%d of %d keys wait for theirs to end); see "
			"modiso_options.key_wait_ms",
			__builtin_popcount(own->all & ~own->retired),
			__builtin_popcount(own->pinned),
			__builtin_popcount(own->all));
}

/*
 * All slots are taken: takes one from a domain that nobody is inside of, but
 * none in @keep. @marks: some keys are pinned or retired. The clock goes around
 * twice at most, as it passes over each domain that has been referenced once.
 * The key, or a code.
 */
MDI_INLINE int evict(uint32_t keep, bool marks, const struct mdi_users *users)
{
	struct mdi_domain *victim, *next;
	int key, result;

	for (int left = 2 * MDI_RIGHTS_KEYS; left > 0; left--) {
		key = own->clock_hand;
		victim = own->owner[key];
		own->clock_hand = own->clock_next[key];
		next = own->owner[own->clock_hand];
		if (marks && (victim == NULL || mdi_slots_pinned(key, users)))
			continue; /* retired, or pinned */
		if (marks && next == NULL)
			next = victim;
		if (keep & 1u << key)
			continue;
		if (victim->referenced) {
			victim->referenced = false;
			mdi_sets_withdraw_any(victim, users);
			continue;
		}
		if (!quiesce(victim, next, users))
			continue;
		/* Who was inside until then may have made a thread. */
		if (any_marked()) {
			if (mdi_slots_pinned(key, users))
				continue;
			unmark(1u << key);
		}
		next->referenced = false;
		if (__builtin_expect(mdi_backend_state.sets.merged != 0, 0)) {
			result = mdi_sets_unmerge(victim);
			if (result != 0)
				return result;
		}
		result = tag(victim, key, mdi_open.state.host_key);
		if (result != 0)
			return result;
		park(victim);
		return key;
	}
	return mdi_slots_busy();
}

/* Where keys are pinned: some may be free again. The key, or a code. */
static MDI_RARE int take_among_pinned(uint32_t keep,
				      const struct mdi_users *users)
{
	reinstate(users);
	return own->free != 0 ? take_free() :
				evict(keep, any_marked(), users);
}

/* It has a slot, and a call has come here: the reference bit. */
static MDI_RARE int reference(struct mdi_domain *domain)
{
	domain->referenced = true;
	return domain->half_tagged ? tag(domain, domain->key, domain->key) : 0;
}

int mdi_slots_hand_over(struct mdi_domain *from, struct mdi_domain *to)
{
	int key = from->key, result = tag(to, to->key, key);

	if (result != 0 && !to->half_tagged)
		return result;
	park(from);
	give(to, key);
	return result;
}

/* Keys in @keep are needed as well. */
MDI_INLINE int admit(struct mdi_domain *domain, uint32_t keep,
		     const struct mdi_users *users)
{
	int key, result;

	if (mdi_slots_resident(domain))
		return reference(domain);
	if (own->free != 0)
		key = take_free();
	else if (any_marked())
		key = take_among_pinned(keep, users);
	else
		key = evict(keep, false, users);
	if (key < 0)
		return key;
	result = tag(domain, domain->key, key);
	if (result == 0 || domain->half_tagged)
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

/* --- for sets.c and sets_place.c --- */

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
