/* SPDX-License-Identifier: MIT */
/*
 * A page that one instruction of a module may touch: core/permit.h. A thread is
 * inside, so nothing is opened or closed for another reason than a change of
 * regions, and that is done under the keeper's lock as well.
 */
#include "backend/mprotect_pages.h"

#include "backend/keeper.h"
#include "os/memory.h"
#include "os/misuse.h"

#include <errno.h>

struct once {
	const struct mdi_domain *domain;
	const struct mdi_opened *what;
};

/* NULL: the page is not the domain's any more. */
static const struct mdi_run *run_of(const struct once *once)
{
	const struct mdi_runs *runs = &once->domain->runs;

	for (size_t i = 0; i < runs->count; i++)
		if (once->what->page - (uintptr_t)runs->run[i].base <
		    runs->run[i].length)
			return &runs->run[i];
	return NULL;
}

static int open_page(void *arg, bool entered)
{
	const struct once *once = arg;

	(void)entered;
	if (run_of(once) == NULL)
		return -1;
	return mdi_mem_protect((void *)once->what->page, MDI_PAGE_SIZE,
			       once->what->pages_access);
}

/* What the domain's pages are by now: prot_now() of mprotect_pages.c. */
static int close_page(void *arg, bool entered)
{
	const struct once *once = arg;
	const struct mdi_run *run = run_of(once);

	(void)entered;
	if (run == NULL)
		return 0;
	return mdi_mem_protect((void *)once->what->page, MDI_PAGE_SIZE,
			       once->domain->open
				       ? run->prot & once->domain->opened
				       : MDI_PROT_NONE);
}

bool mdi_pages_permit(const struct mdi_domain *domain,
		      const struct mdi_opened *what,
		      struct mdi_context *context)
{
	struct once once = {domain, what};
	int saved = errno;
	bool opened;

	(void)context;
	opened = domain != NULL && mdi_keeper_locked(open_page, &once) == 0;
	errno = saved;
	return opened;
}

void mdi_pages_forbid(const struct mdi_domain *domain,
		      const struct mdi_opened *what)
{
	struct once once = {domain, what};
	int saved = errno;

	if (mdi_keeper_locked(close_page, &once) != 0)
		mdi_misuse("mprotect(2) would not close again what was opened "
			   "to a permissive module for one instruction; going "
			   "on would leave it open");
	errno = saved;
}
