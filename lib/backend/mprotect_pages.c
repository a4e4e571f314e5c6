/* SPDX-License-Identifier: MIT */
#include "backend/mprotect_pages.h"

#include "backend/keeper.h"
#include "backend/state.h"
#include "base/error.h"
#include "os/guard.h"
#include "os/memory.h"
#include "os/misuse.h"

#include <errno.h>

static struct mdi_pages_state *const own = &mdi_backend_state.pages;

/* Of a domain's pages: as much as their own protection allows. */
#define EVERYTHING (~0u)

void mdi_pages_start(void)
{
	own->open_list = NULL;
	own->host = NULL;
	own->lowest = NULL;
}

static void remember(struct mdi_domain *domain)
{
	domain->next = own->open_list;
	own->open_list = domain;
}

static void forget(const struct mdi_domain *domain)
{
	struct mdi_domain **link = &own->open_list;

	while (*link != NULL && *link != domain)
		link = &(*link)->next;
	if (*link != NULL)
		*link = domain->next;
}

/* --- opening and closing --- */

MDI_INLINE int close_part(char *base, size_t length)
{
	if (mdi_mem_protect(base, length, MDI_PROT_NONE) == 0)
		return 0;
	return mdi_fail_os("mprotect", "closing %zu bytes at %p", length,
			   (void *)base);
}

/* Runs outside of the range; or those in it, where an image is being built. */
static MDI_RARE int close_runs(const struct mdi_runs *runs, bool outside)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < runs->count; i++)
		if (runs->run[i].outside == outside)
			result = close_part(runs->run[i].base,
					    runs->run[i].length);
	return result;
}

/* From the lowest page of @low to the highest one of @high. */
struct stretch {
	const struct mdi_domain *low, *high; /* NULL: of nothing */
};

static char *range_end(const struct mdi_domain *domain)
{
	return domain->range + domain->range_length;
}

/*
 * What lies between two domains costs by its mappings, some 70 ns each, where
 * a call that is saved was worth 1 us: so many of them, and no more.
 */
#define BETWEEN_MAX 12

/*
 * May what is between these two be closed with them? It must be ranges side by
 * side with void guards (os/guard.h), without pages of the host's, and not what
 * is open for @module.
 */
static bool joins(const struct mdi_domain *low, const struct mdi_domain *high,
		  const struct mdi_domain *module)
{
	size_t between = 0;

	while (MDI_GUARD_IS_VOID && low->staged == 0 && low->above != NULL &&
	       range_end(low) == low->above->range) {
		low = low->above;
		if (low == high)
			return high->staged == 0;
		between += 2 + low->runs.count;
		if (between > BETWEEN_MAX || (low == module && low->open))
			return false;
	}
	return false;
}

static int close_stretch(const struct stretch *stretch)
{
	char *base, *end;

	if (stretch->low == NULL)
		return 0;
	if (!MDI_GUARD_IS_VOID || stretch->low->staged != 0)
		return close_runs(&stretch->low->runs, false);
	base = stretch->low->runs.own_base;
	end = stretch->high->runs.own_base + stretch->high->runs.own_length;
	return close_part(base, (size_t)(end - base));
}

/*
 * Close a domain together with those of @stretch, or close these before. Where
 * this fails it counts as open, and nothing else may run before it is closed.
 * Its own range cannot fail for want of memory; what was adopted can have been
 * merged with the caller's pages beside it.
 */
MDI_INLINE int close_with(struct stretch *stretch, struct mdi_domain *domain,
			  const struct mdi_domain *module)
{
	const struct mdi_runs *runs = &domain->runs;
	int result = 0;

	domain->whole = false;
	if (stretch->low == NULL && runs->own_base != NULL) {
		*stretch = (struct stretch){ domain, domain };
	} else if (runs->own_base == NULL) {
		/* All of it is outside. */
	} else if (domain->range < stretch->low->range &&
		   joins(domain, stretch->low, module)) {
		stretch->low = domain;
	} else if (domain->range > stretch->high->range &&
		   joins(stretch->high, domain, module)) {
		stretch->high = domain;
	} else if (domain->range < stretch->low->range ||
		   domain->range > stretch->high->range) {
		result = close_stretch(stretch);
		*stretch = (struct stretch){ domain, domain };
	}
	return result == 0 && runs->outside != 0 ? close_runs(runs, true) :
						   result;
}

/* NULL, or the run that would not open; then errno says why. */
MDI_INLINE const struct mdi_run *open_pages(const struct mdi_domain *domain,
					    uint32_t access)
{
	for (size_t i = 0; i < domain->runs.count; i++) {
		const struct mdi_run *run = &domain->runs.run[i];
		int saved;

		if (mdi_mem_protect(run->base, run->length,
				    run->prot & access) == 0)
			continue;
		saved = errno;
		while (!domain->open && i-- > 0)
			if (mdi_mem_protect(domain->runs.run[i].base,
					    domain->runs.run[i].length,
					    MDI_PROT_NONE) != 0)
				mdi_misuse("mprotect(2) would not close a "
					   "module's memory again; going on "
					   "would leave it open");
		errno = saved;
		return run;
	}
	return NULL;
}

MDI_INLINE const struct mdi_run *try_open(struct mdi_domain *domain,
					  uint32_t access)
{
	const struct mdi_run *failed = open_pages(domain, access);

	if (failed != NULL)
		return failed;
	domain->whole = true;
	domain->opened = access;
	if (!domain->open && domain != own->host)
		remember(domain);
	domain->open = true;
	return NULL;
}

static int open_as(struct mdi_domain *domain, uint32_t access);

MDI_INLINE int open_domain(struct mdi_domain *domain, uint32_t access)
{
	return domain == NULL || (domain->whole && domain->opened == access)
		       ? 0
		       : open_as(domain, access);
}

static int open_as(struct mdi_domain *domain, uint32_t access)
{
	const struct mdi_run *failed;

	if (domain == NULL)
		return 0;
	domain->whole = domain->whole && domain->opened == access;
	failed = try_open(domain, access);
	if (failed == NULL)
		return 0;
	return mdi_fail_os("mprotect", "opening %zu bytes at %p",
			   failed->length, (void *)failed->base);
}

int mdi_pages_open(struct mdi_domain *domain)
{
	return open_domain(domain, EVERYTHING);
}

int mdi_pages_reopen(struct mdi_domain *domain)
{
	return open_as(domain, EVERYTHING);
}

static MDI_RARE void open_host(void)
{
	int saved = errno;

	(void)try_open(own->host, EVERYTHING);
	errno = saved;
}

/* Most programs guard nothing of the host's. */
void mdi_pages_to_host(void)
{
	struct mdi_domain *host = own->host;

	if (host == NULL || host->whole)
		return;
	if (host->runs.count != 0) {
		open_host();
		return;
	}
	host->whole = host->open = true;
	host->opened = EVERYTHING;
}

/* Closing a whole range has closed what lies in it of a set as well. */
static void doubt_sets(void)
{
	for (struct mdi_domain *set = own->open_list; set != NULL;
	     set = set->next)
		if (set->kind == MDI_DOMAIN_SHARED)
			set->whole = false;
}

static uint32_t share_of(const struct mdi_domain *module,
			 const struct mdi_domain *set)
{
	for (uint32_t i = 0; i < set->share_count; i++)
		if (set->shares[i].module == module)
			return set->shares[i].access;
	return 0;
}

/* What @module may do with @domain: its own, or a set's. */
MDI_INLINE uint32_t rights(const struct mdi_domain *module,
			   const struct mdi_domain *domain)
{
	if (module == domain)
		return EVERYTHING;
	return domain->kind == MDI_DOMAIN_SHARED ? share_of(module, domain) : 0;
}

static int open_sets(const struct mdi_domain *module)
{
	int result = 0;

	for (const struct mdi_share *share = module->shares;
	     share != NULL && result == 0; share = share->next)
		result = open_domain(share->set, share->access);
	return result;
}

/* Of the open ones from @link on the first that is not for @module. */
MDI_INLINE struct mdi_domain **other(const struct mdi_domain *module,
				     struct mdi_domain **link)
{
	while (*link != NULL && rights(module, *link) != 0)
		link = &(*link)->next;
	return link;
}

/* In as few calls as they lie in pieces. */
static MDI_RARE int close_several(const struct mdi_domain *module,
				  struct mdi_domain *host)
{
	struct stretch stretch = { NULL, NULL };
	struct mdi_domain **link = other(module, &own->open_list);
	int result = 0;

	while (result == 0 && *link != NULL) {
		result = close_with(&stretch, *link, module);
		link = other(module, &(*link)->next);
	}
	if (result == 0 && host != NULL)
		result = close_with(&stretch, host, module);
	if (result == 0)
		result = close_stretch(&stretch);
	doubt_sets();
	if (result != 0)
		return result;
	link = &own->open_list;
	while (*(link = other(module, link)) != NULL) {
		(*link)->open = false;
		*link = (*link)->next;
	}
	if (host != NULL)
		host->open = false;
	return 0;
}

MDI_INLINE int close_one(struct mdi_domain *domain)
{
	const struct mdi_runs *runs = &domain->runs;
	int result = 0;

	domain->whole = false;
	if (!MDI_GUARD_IS_VOID || domain->staged != 0)
		result = close_runs(runs, false);
	else if (runs->own_base != NULL)
		result = close_part(runs->own_base, runs->own_length);
	if (result == 0 && runs->outside != 0)
		result = close_runs(runs, true);
	if (domain->kind != MDI_DOMAIN_SHARED)
		doubt_sets();
	if (result == 0)
		domain->open = false;
	return result;
}

/* The host's guarded regions, if there are any and they are open. */
MDI_INLINE struct mdi_domain *open_host_regions(void)
{
	struct mdi_domain *host = own->host;

	if (host == NULL || !host->open)
		return NULL;
	if (host->runs.count != 0)
		return host;
	host->whole = host->open = false;
	return NULL;
}

/* All that is open and not for @module; mostly that is one domain or none. */
MDI_INLINE int close_others(const struct mdi_domain *module)
{
	struct mdi_domain *host = open_host_regions();
	struct mdi_domain **link, *first;
	int result;

	if (host == NULL && own->open_list == module && module->next == NULL)
		return 0;
	link = other(module, &own->open_list);
	first = *link;
	if (first == NULL)
		return host == NULL ? 0 : close_one(host);
	if (host != NULL || *other(module, &first->next) != NULL)
		return close_several(module, host);
	result = close_one(first);
	if (result == 0)
		*link = first->next;
	return result;
}

int mdi_pages_to_domain(struct mdi_domain *domain)
{
	int result = close_others(domain);

	if (result == 0)
		result = open_domain(domain, EVERYTHING);
	return result != 0 || domain->shares == NULL ? result
						     : open_sets(domain);
}

/* --- domains begin and end --- */

/* Those that have a range are a list, in order of address. */
static void add_range(struct mdi_domain *domain)
{
	struct mdi_domain *below = NULL, *above = own->lowest;

	while (above != NULL && above->range < domain->range) {
		below = above;
		above = above->above;
	}
	domain->above = above;
	domain->below = below;
	*(below != NULL ? &below->above : &own->lowest) = domain;
	if (above != NULL)
		above->below = domain;
}

static void remove_range(const struct mdi_domain *domain)
{
	struct mdi_domain *below = domain->below, *above = domain->above;

	*(below != NULL ? &below->above : &own->lowest) = above;
	if (above != NULL)
		above->below = below;
}

static int add_domain(void *arg, bool entered)
{
	struct mdi_domain *domain = arg;

	if (domain->range_length != 0)
		add_range(domain);
	domain->opened = EVERYTHING;
	domain->open = domain->whole =
		!entered && domain->kind != MDI_DOMAIN_SHARED;
	if (domain->kind == MDI_DOMAIN_HOST)
		own->host = domain;
	else if (domain->open)
		remember(domain);
	return 0;
}

int mdi_pages_domain_init(struct mdi_domain *domain)
{
	return mdi_keeper_locked(add_domain, domain);
}

struct drop {
	struct mdi_domain *domain;
	void *base;
	size_t length;
};

static int drop_domain(void *arg, bool entered)
{
	const struct drop *drop = arg;

	(void)entered;
	if (mdi_mem_unmap(drop->base, drop->length) != 0)
		return mdi_fail_os("munmap", "%zu bytes of a module",
				   drop->length);
	remove_range(drop->domain);
	if (drop->domain == own->host)
		own->host = NULL;
	forget(drop->domain);
	return 0;
}

int mdi_pages_domain_fini(struct mdi_domain *domain, void *base, size_t length,
			  const struct mdi_users *users)
{
	struct drop drop = {domain, base, length};

	(void)users;
	return mdi_keeper_locked(drop_domain, &drop);
}

/* --- sets --- */

/* The one module that is open; NULL: none, or more than one. */
static const struct mdi_domain *only_open(void)
{
	const struct mdi_domain *domain = own->open_list, *found = NULL;

	for (; domain != NULL; domain = domain->next) {
		if (domain->kind != MDI_DOMAIN_MODULE)
			continue;
		if (found != NULL)
			return NULL;
		found = domain;
	}
	return found;
}

void mdi_pages_open_first(struct mdi_domain *set)
{
	const struct mdi_domain *module = only_open();
	uint32_t access = module ? rights(module, set) : 0;

	if (set->kind != MDI_DOMAIN_SHARED || set->open ||
	    set->runs.count != 0 || access == 0)
		return;
	set->open = set->whole = true;
	set->opened = access;
	remember(set);
}

static int retire_set(void *arg, bool entered)
{
	(void)entered;
	forget(arg);
	return 0;
}

/* Without pages nobody has rights to any. */
bool mdi_pages_retire(struct mdi_domain *set, const struct mdi_users *users)
{
	(void)users;
	return mdi_keeper_locked(retire_set, set) == 0;
}
