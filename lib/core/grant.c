/* SPDX-License-Identifier: MIT */
#include "core/grant.h"

#include "base/error.h"
#include "core/runs.h"
#include "core/state.h"
#include "core/thread.h"
#include "core/vault.h"
#include "os/memory.h"

#include <errno.h>

/* Who is to have what, before there is a set for it. */
struct wanted {
	struct mdi_domain *module;
	uint32_t access;
};

struct list {
	struct wanted with[MDI_SHARERS_MAX];
	uint32_t count;
};

static struct mdi_grant_state *const own = &mdi_core_state.grant;

static struct mdi_set *set_of(const struct modiso_region *region)
{
	/* In a handler both can change between two looks. */
	struct mdi_domain *domain =
		__atomic_load_n(&region->domain, __ATOMIC_ACQUIRE);

	return domain->kind == MDI_DOMAIN_SHARED ?
		       mdi_container_of(domain, struct mdi_set, domain) :
		       NULL;
}

uint32_t mdi_grant_rights(const struct modiso_module *module,
			  const struct modiso_region *region)
{
	const struct mdi_set *set;

	if (region->owner == module)
		return region->access;
	set = set_of(region);
	for (uint32_t i = 0; set != NULL && i < MDI_SHARERS_MAX; i++)
		if (set->share[i].module == &module->domain)
			return set->share[i].access & region->access;
	return 0;
}

size_t mdi_grant_list(const struct modiso_region *region,
		      const struct mdi_share **out, size_t room)
{
	const struct mdi_set *set = set_of(region);
	size_t count = 0;

	for (uint32_t i = 0; set != NULL && i < MDI_SHARERS_MAX; i++) {
		if (set->share[i].module == NULL ||
		    set->share[i].module == &region->owner->domain)
			continue;
		if (count < room)
			out[count] = &set->share[i];
		count++;
	}
	return count;
}

int mdi_grant_busy(const struct modiso_region *region)
{
	const struct mdi_share *first;

	if (mdi_grant_list(region, &first, 1) == 0)
		return 0;
	return mdi_fail(MODISO_ERR_BUSY,
			"region %s of %s is granted to module %s; see "
			"modiso_region_revoke()",
			region->name, region->owner->name,
			mdi_domain_module(first->module)->name);
}

/* --- sets --- */

static bool same(const struct mdi_set *set, const struct list *list)
{
	uint32_t found = 0;

	if (set->domain.share_count != list->count)
		return false;
	for (uint32_t i = 0; i < list->count; i++)
		for (uint32_t j = 0; j < list->count; j++)
			found += set->share[i].module ==
					 list->with[j].module &&
				 set->share[i].access == list->with[j].access;
	return found == list->count;
}

struct link_request {
	struct mdi_set *set;
	const struct list *list; /* NULL: unlink it */
};

static void unlink_share(struct mdi_share *share)
{
	struct mdi_share **link;

	if (share->module == NULL)
		return;
	for (link = &share->module->shares; *link != share;
	     link = &(*link)->next)
		;
	*link = share->next;
	share->module = NULL;
}

/* The backend reads these lists when rights of pages change: in steady(). */
static int link_set(void *arg)
{
	const struct link_request *request = arg;
	struct mdi_set *set = request->set;

	for (uint32_t i = 0; request->list == NULL &&
			     i < set->domain.share_count; i++)
		unlink_share(&set->share[i]);
	for (uint32_t i = 0; request->list != NULL && i < request->list->count;
	     i++) {
		struct mdi_share *share = &set->share[i];

		share->set = &set->domain;
		share->module = request->list->with[i].module;
		share->access = request->list->with[i].access;
		share->next = share->module->shares;
		share->module->shares = share;
		set->domain.share_count = i + 1;
	}
	return 0;
}

static int make_set(const struct list *list, struct mdi_set **out)
{
	struct mdi_set *set = mdi_vault_alloc(sizeof(*set));
	struct link_request request = { set, list };
	int result;

	if (set == NULL)
		return mdi_fail_memory("a set of modules with equal rights");
	set->domain.kind = MDI_DOMAIN_SHARED;
	set->domain.shares = set->share;
	result = mdi_backend_now->domain_init(&set->domain);
	if (result != 0) {
		mdi_vault_free(set, sizeof(*set));
		return result;
	}
	set->next = own->sets;
	set->link = &own->sets;
	if (own->sets != NULL)
		own->sets->link = &set->next;
	own->sets = set;
	(void)mdi_backend_steady(link_set, &request);
	*out = set;
	return 0;
}

/* A set that nobody needs, as soon as nobody can have its rights. */
static void retire(struct mdi_set *set)
{
	struct link_request request = { set, NULL };

	if (set->regions != NULL ||
	    !mdi_backend_now->retire(&set->domain, &mdi_thread_users))
		return;
	(void)mdi_backend_steady(link_set, &request);
	*set->link = set->next;
	if (set->next != NULL)
		set->next->link = set->link;
	mdi_runs_free(&set->domain.runs);
	mdi_vault_free(set, sizeof(*set));
}

static void retire_all(void)
{
	struct mdi_set *set, *next;
	int saved = errno;

	for (set = own->sets; set != NULL; set = next) {
		next = set->next;
		retire(set);
	}
	errno = saved;
}

static int find_set(const struct list *list, struct mdi_set **out)
{
	for (struct mdi_set *set = own->sets; set != NULL; set = set->next) {
		if (same(set, list)) {
			*out = set;
			return 0;
		}
	}
	return make_set(list, out);
}

/* --- changes --- */

static void want(struct list *list, struct mdi_domain *module, uint32_t access)
{
	list->with[list->count++] = (struct wanted){ module, access };
}

/* What the region's set is with @access for @module. */
static int list_wanted(const struct modiso_region *region,
		       struct modiso_module *module, uint32_t access,
		       struct list *list)
{
	const struct mdi_share *shares[MDI_SHARERS_MAX];
	size_t count = mdi_grant_list(region, shares, MDI_SHARERS_MAX);

	list->count = 0;
	if (region->owner->domain.kind == MDI_DOMAIN_MODULE)
		want(list, &region->owner->domain,
		     MODISO_READ | MODISO_WRITE);
	for (size_t i = 0; i < count; i++)
		if (shares[i]->module != &module->domain)
			want(list, shares[i]->module, shares[i]->access);
	if (access == 0)
		return 0;
	if (list->count == MDI_SHARERS_MAX)
		return mdi_fail(MODISO_ERR_LIMIT,
				"%d modules have rights to region %s already",
				MDI_SHARERS_MAX, region->name);
	want(list, &module->domain, access);
	return 0;
}

static void relink(struct modiso_region *region, struct mdi_set *to)
{
	struct mdi_set *from = set_of(region);
	struct modiso_region **link;

	if (from != NULL) {
		for (link = &from->regions; *link != region;
		     link = &(*link)->set_next)
			;
		*link = region->set_next;
	}
	region->set_next = NULL;
	if (to != NULL) {
		region->set_next = to->regions;
		to->regions = region;
	}
	__atomic_store_n(&region->domain,
			 to ? &to->domain : &region->owner->domain,
			 __ATOMIC_RELEASE);
}

static int move(struct modiso_region *region, struct mdi_set *to)
{
	struct mdi_runs from_runs = { 0 }, to_runs = { 0 };
	char *base = (char *)region->node.base;
	size_t length = region->node.end - region->node.base;
	struct mdi_move move = {
		.from = region->domain,
		.to = to ? &to->domain : &region->owner->domain,
		.base = base,
		.length = length,
		.prot = region->access,
		.from_runs = &from_runs,
		.to_runs = &to_runs,
	};
	int result;

	/* Pages of a set lie in the ranges of others: each run on its own. */
	if (!mdi_runs_set(&move.from->runs, base, length, MDI_PROT_NONE,
			  mdi_region_apart(region), &from_runs) ||
	    !mdi_runs_set(&move.to->runs, base, length, region->access,
			  to != NULL || mdi_region_apart(region), &to_runs))
		result = mdi_fail_memory("the lists of pages around region %s",
					 region->name);
	else
		result = mdi_backend_now->move(&move, &mdi_thread_users);
	mdi_runs_free(&from_runs);
	mdi_runs_free(&to_runs);
	if (result == 0)
		relink(region, to);
	return result;
}

int mdi_grant_change(struct modiso_region *region, struct modiso_module *module,
		     uint32_t access)
{
	bool owned = region->owner->domain.kind == MDI_DOMAIN_MODULE;
	struct mdi_set *to = NULL;
	struct list list;
	int result;

	result = list_wanted(region, module, access, &list);
	if (result == 0 && list.count > (owned ? 1u : 0u))
		result = find_set(&list, &to);
	if (result != 0)
		return result;
	if (to != set_of(region))
		result = move(region, to);
	retire_all();
	return result;
}

/*
 * A region that was granted to @module and to nobody else; if threads that it
 * has made may live on with the rights that it has, to others as well. NULL:
 * none.
 */
static struct modiso_region *find_last(const struct modiso_module *module)
{
	bool all = __atomic_load_n(&module->domain.made_threads,
				   __ATOMIC_RELAXED);
	const struct mdi_share *share;

	for (share = module->domain.shares; share != NULL;
	     share = share->next) {
		const struct mdi_set *set = mdi_container_of(
			share->set, struct mdi_set, domain);

		if (set->regions != NULL &&
		    (all || mdi_grant_list(set->regions, NULL, 0) == 1))
			return set->regions;
	}
	return NULL;
}

/*
 * These become ordinary regions of their owners again. A set that others have
 * rights to goes on without the module, which nobody is inside of: so that the
 * end of a module takes no key. Not so when a thread that the module has made
 * may be in it for as long as it likes: then the pages get another key.
 */
int mdi_grants_give_back(struct modiso_module *module)
{
	struct modiso_region *region;
	int result = 0;

	while (result == 0 && (region = find_last(module)) != NULL)
		result = mdi_grant_change(region, module, 0);
	return result;
}

static int forget(void *arg)
{
	struct modiso_module *module = arg;

	while (module->domain.shares != NULL)
		unlink_share(module->domain.shares);
	return 0;
}

void mdi_grants_forget(struct modiso_module *module)
{
	(void)mdi_backend_steady(forget, module);
	retire_all();
}

void mdi_grants_reset(void)
{
	own->sets = NULL;
}
