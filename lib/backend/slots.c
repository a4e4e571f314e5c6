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
 */
#include "backend/slots.h"

#include "base/error.h"
#include "os/linux_sys.h"
#include "os/memory.h"

static uint32_t slots;      /* all of them */
static uint32_t free_slots; /* that no domain has */
static struct mdi_domain *owner[MDI_PKRU_KEYS];
static uint64_t clock_now; /* counts admissions */

void mdi_slots_start(uint32_t keys)
{
	slots = keys;
	free_slots = keys;
	clock_now = 0;
	for (int key = 0; key < MDI_PKRU_KEYS; key++)
		owner[key] = NULL;
}

struct mdi_domain *mdi_slots_domain(int key)
{
	return owner[key];
}

static bool resident(const struct mdi_domain *domain)
{
	return owner[domain->key] == domain;
}

static void give(struct mdi_domain *domain, int key)
{
	free_slots &= ~(1u << key);
	owner[key] = domain;
	domain->key = key;
	domain->head.pkru = domain->pkru_parked & ~MDI_PKRU_BOTH(key);
}

static void park(struct mdi_domain *domain)
{
	if (resident(domain)) {
		free_slots |= 1u << domain->key;
		owner[domain->key] = NULL;
	}
	domain->key = mdi_open.state.host_key;
	domain->head.pkru = domain->pkru_parked;
}

void mdi_slots_add(struct mdi_domain *domain)
{
	if (free_slots != 0)
		give(domain, __builtin_ctz(free_slots));
	else
		park(domain);
	domain->used = ++clock_now;
}

/*
 * Nobody is inside, and outside of modules every thread has rights on every
 * slot anyway: the key can go to the next module at once.
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

/* No thread enters @domain without asking; true: nobody is inside. */
static bool close_gates(const struct mdi_domain *domain,
			const struct mdi_users *users)
{
	users->withdraw(domain);
	if (users->others() && mdi_sys_membarrier() != 0)
		return false;
	return !users->inside(domain);
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

static int take_slot(const struct mdi_users *users)
{
	struct mdi_domain *victim, *next;
	uint32_t tried = 0;
	int result;

	while ((victim = oldest(tried)) != NULL) {
		tried |= 1u << victim->key;
		if (users->inside(victim) || !close_gates(victim, users))
			continue;
		result = evict(victim);
		if (result != 0)
			return result;
		next = oldest(tried);
		if (next != NULL)
			users->withdraw(next);
		return 0;
	}
	return mdi_fail(MODISO_ERR_NOKEY,
			"threads are inside of all %d modules that have a "
			"protection key; see modiso_options.key_wait_ms",
			__builtin_popcount(slots));
}

int mdi_slots_admit(struct mdi_domain *domain, const struct mdi_users *users)
{
	int key, result;

	domain->used = ++clock_now;
	if (resident(domain)) {
		if (domain->torn)
			return tag(domain, domain->key, domain->key);
		return 0;
	}
	if (free_slots == 0) {
		result = take_slot(users);
		if (result != 0)
			return result;
	}
	key = __builtin_ctz(free_slots);
	result = tag(domain, domain->key, key);
	if (result == 0 || domain->torn)
		give(domain, key);
	return result;
}
