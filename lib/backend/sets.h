/* SPDX-License-Identifier: MIT */
/*
 * backend/sets.h - between slots.c, which gives slots to domains; sets.c, which
 * knows the modules of a set; and sets_place.c, which finds keys for sets.
 */
#ifndef MDI_BACKEND_SETS_H
#define MDI_BACKEND_SETS_H

#include "backend/state.h"

/* --- slots.c --- */

static inline bool mdi_slots_resident(const struct mdi_domain *domain)
{
	return mdi_backend_state.slots.owner[domain->key] == domain;
}

/* As _admit() for itself alone; it takes no slot with a bit in @keep. */
int mdi_slots_take(struct mdi_domain *domain, uint32_t keep,
		   const struct mdi_users *users);
/*
 * The slot of @from, which has no pages, is that of @to. Whoever may have it
 * open may have it open for @to as well. 0 or _OS.
 */
int mdi_slots_hand_over(struct mdi_domain *from, struct mdi_domain *to);
/* All of its pages to another key, which its record says then. 0 or _OS. */
int mdi_slots_tag(struct mdi_domain *domain, int to);
/* What a module may do now; its links have what it could before. */
void mdi_slots_compute(struct mdi_domain *module);
uint32_t mdi_slots_all(void);
/* Nobody has this one any more, nor is there a page that carries it. */
void mdi_slots_free(int key);
/* May a foreign thread have this key, which nothing can take from it? */
bool mdi_slots_pinned(int key, const struct mdi_users *users);
/* MODISO_ERR_NOKEY, with the sentence. */
int mdi_slots_busy(void);

/* --- sets.c --- */

/* @rights with what @module's sets open to it. */
uint32_t mdi_sets_rights(const struct mdi_domain *module, uint32_t rights);
/* For each module that has rights to @set. */
void mdi_sets_compute(const struct mdi_domain *set);
void mdi_sets_withdraw(const struct mdi_domain *set,
		       const struct mdi_users *users);
/* Of a module or a set. */
MDI_INLINE void mdi_sets_withdraw_any(const struct mdi_domain *domain,
				      const struct mdi_users *users)
{
	if (domain->kind == MDI_DOMAIN_MODULE)
		users->withdraw(domain);
	else
		mdi_sets_withdraw(domain, users);
}

/* As quiesce() of slots.c; one of the two is a set. */
bool mdi_sets_quiesce(const struct mdi_domain *domain,
		      const struct mdi_domain *next,
		      const struct mdi_users *users);
/* True: nobody is inside of its modules, but for @but, nor enters them. */
bool mdi_sets_quiesce_all_but(const struct mdi_domain *set,
			      const struct mdi_domain *but,
			      const struct mdi_users *users);

/* --- sets_place.c --- */

void mdi_sets_start(void);

/* A module and all of its sets: as mdi_slots_admit(). */
int mdi_sets_admit_all(struct mdi_domain *module,
		       const struct mdi_users *users);
/*
 * Before pages move to a set: whoever is inside of one of its modules then gets
 * the rights to them in the fault handler, so the key must be there. All others
 * come and ask.
 */
int mdi_sets_make_ready(const struct mdi_move *move,
			const struct mdi_users *users);
/* Sets that are merged into the key of @owner, who is quiesced, leave it. */
int mdi_sets_unmerge(struct mdi_domain *owner);
void mdi_sets_not_merged(struct mdi_domain *set);
/* A module ends that had one. */
void mdi_sets_end_reader(struct mdi_domain *module);

#endif /* MDI_BACKEND_SETS_H */
