/* SPDX-License-Identifier: MIT */
/*
 * Pages become a domain's, change their protection, go to another domain or
 * end, whatever is open meanwhile.
 */
#include "backend/mprotect_pages.h"

#include "backend/keeper.h"
#include "base/error.h"
#include "os/memory.h"
#include "os/misuse.h"

#include <errno.h>

struct change {
	struct mdi_domain *domain;
	void *base;
	size_t length;
	uint32_t prot, was;
	struct mdi_runs *runs;
};

/* What pages of the domain with this protection are now. */
static uint32_t prot_now(const struct change *change, uint32_t prot)
{
	if (prot == MDI_WAS_NOBODYS)
		return MDI_PROT_READ | MDI_PROT_WRITE;
	return change->domain->open ? prot & change->domain->opened
				    : MDI_PROT_NONE;
}

static int change_pages(void *arg, bool entered)
{
	const struct change *change = arg;
	int result, saved;

	(void)entered;
	if (mdi_mem_protect(change->base, change->length,
			    prot_now(change, change->prot)) == 0) {
		mdi_runs_swap(&change->domain->runs, change->runs);
		return 0;
	}
	result = mdi_fail_os("mprotect", "%zu bytes at %p", change->length,
			     change->base);
	saved = errno;
	/* The kernel can stop between one mapping and the next. */
	if (change->was != MDI_WAS_FRESH &&
	    mdi_mem_protect(change->base, change->length,
			    prot_now(change, change->was)) != 0)
		mdi_misuse("mprotect(2) stopped half-way and would not put "
			   "back what it had changed; going on could leave "
			   "memory open");
	errno = saved;
	return result;
}

int mdi_pages_protect(struct mdi_domain *domain, void *base, size_t length,
		      uint32_t prot, uint32_t was, struct mdi_runs *runs)
{
	struct change change = {domain, base, length, prot, was, runs};

	if (domain->kind == MDI_DOMAIN_CLOSED)
		return mdi_fail(MODISO_ERR_NOTSUP,
				"closed host regions need protection keys: "
				"with mprotect host code has no rights of its "
				"own that could be taken away");
	return mdi_keeper_locked(change_pages, &change);
}

int mdi_pages_release(struct mdi_domain *domain, void *base, size_t length,
		      uint32_t was, struct mdi_runs *runs)
{
	struct change change = {domain,          base, length,
				MDI_WAS_NOBODYS, was,  runs};

	return mdi_keeper_locked(change_pages, &change);
}

static int remap_rights_locked(void *arg, bool entered)
{
	const struct change *change = arg;

	(void)entered;
	if (mdi_mem_protect(change->base, change->length,
			    prot_now(change, change->prot)) != 0)
		return mdi_fail_os("mprotect", "%zu bytes at %p",
				   change->length, change->base);
	return 0;
}

int mdi_pages_remap_rights(struct mdi_domain *domain, void *base, size_t length,
			   uint32_t prot)
{
	struct change change = {domain, base, length, prot, 0, NULL};

	return mdi_keeper_locked(remap_rights_locked, &change);
}

/* In one step with the runs: else pages could be opened that are none. */
static int discard_pages(void *arg, bool entered)
{
	const struct change *change = arg;

	(void)entered;
	if (mdi_mem_decommit(change->base, change->length) != 0)
		return mdi_fail_os("mmap", "closing %zu bytes at %p",
				   change->length, change->base);
	mdi_runs_swap(&change->domain->runs, change->runs);
	return 0;
}

int mdi_pages_discard(struct mdi_domain *domain, void *base, size_t length,
		      struct mdi_runs *runs)
{
	struct change change = {domain, base, length, 0, 0, runs};

	return mdi_keeper_locked(discard_pages, &change);
}

static int move_pages(void *arg, bool entered)
{
	const struct mdi_move *move = arg;
	const struct change to = {.domain = move->to};
	const struct change from = {.domain = move->from};
	int result, saved;

	(void)entered;
	mdi_pages_open_first(move->to);
	if (mdi_mem_protect(move->base, move->length,
			    prot_now(&to, move->prot)) == 0) {
		mdi_runs_swap(&move->from->runs, move->from_runs);
		mdi_runs_swap(&move->to->runs, move->to_runs);
		return 0;
	}
	result = mdi_fail_os("mprotect", "%zu bytes at %p", move->length,
			     move->base);
	saved = errno;
	if (mdi_mem_protect(move->base, move->length,
			    prot_now(&from, move->prot)) != 0)
		mdi_misuse("mprotect(2) stopped half-way and would not put "
			   "back what it had changed; going on could leave "
			   "memory open");
	errno = saved;
	return result;
}

int mdi_pages_move(const struct mdi_move *move, const struct mdi_users *users)
{
	(void)users;
	return mdi_keeper_locked(move_pages, (void *)(uintptr_t)move);
}
