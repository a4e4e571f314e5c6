/* SPDX-License-Identifier: MIT */
/*
 * backend/mprotect_pages.h - which domains are open to the process, and what
 * their pages are.
 *
 * In the host's state any number of domains may be open: those that ran last
 * and those that host code touched. Entering one closes all others and the
 * host's guarded regions. What is open stays open until something else must
 * run (lazy), so entering the same module again costs no system call while
 * nothing of the host is guarded.
 *
 * A set, regions that several modules have rights to, is open while one of
 * these runs, as far as that one's rights go.
 *
 * Closing needs no memory: every domain's pages are mappings of their own with
 * unlike neighbours (os/memory.h), so the kernel never has to split one.
 */
#ifndef MDI_BACKEND_MPROTECT_PAGES_H
#define MDI_BACKEND_MPROTECT_PAGES_H

#include "backend/backend.h"

void mdi_pages_start(void);

/* --- the keeper's lock is held --- */

/* One domain and the sets it has rights to are open, nothing else. */
int mdi_pages_to_domain(struct mdi_domain *domain);

/*
 * Leaving a module needs no memory: where there is none to open the host's
 * regions they stay closed, and open when host code touches them.
 */
void mdi_pages_to_host(void);

int mdi_pages_open(struct mdi_domain *domain);

/*
 * For host code that faulted. When the domain counts as open already, another
 * thread was faster, or somebody else has called mprotect(2): say it again.
 */
int mdi_pages_reopen(struct mdi_domain *domain);

/*
 * A set is about to get its first pages. While a module is inside it alone is
 * open, and so the set must be, if it is that module's.
 */
void mdi_pages_open_first(struct mdi_domain *set);

/* --- as in struct mdi_backend; they take the lock --- */

int mdi_pages_domain_init(struct mdi_domain *domain);
int mdi_pages_domain_fini(struct mdi_domain *domain, void *base, size_t length,
			  const struct mdi_users *users);
bool mdi_pages_retire(struct mdi_domain *set, const struct mdi_users *users);

/* --- mprotect_change.c: the same, of pages --- */

int mdi_pages_protect(struct mdi_domain *domain, void *base, size_t length,
		      uint32_t prot, uint32_t was, struct mdi_runs *runs);
int mdi_pages_release(struct mdi_domain *domain, void *base, size_t length,
		      uint32_t was, struct mdi_runs *runs);
int mdi_pages_remap_rights(struct mdi_domain *domain, void *base, size_t length,
			   uint32_t prot);
int mdi_pages_discard(struct mdi_domain *domain, void *base, size_t length,
		      struct mdi_runs *runs);
int mdi_pages_move(const struct mdi_move *move, const struct mdi_users *users);

/* --- mprotect_once.c: the same for one instruction of a module --- */

bool mdi_pages_permit(const struct mdi_domain *domain,
		      const struct mdi_opened *what,
		      struct mdi_context *context);
void mdi_pages_forbid(const struct mdi_domain *domain,
		      const struct mdi_opened *what);

#endif /* MDI_BACKEND_MPROTECT_PAGES_H */
