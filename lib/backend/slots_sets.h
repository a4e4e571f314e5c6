/* SPDX-License-Identifier: MIT */
/*
 * backend/slots_sets.h - between slots.c, which hands keys around, and
 * slots_sets.c, which knows what a module needs besides its own.
 */
#ifndef MDI_BACKEND_SLOTS_SETS_H
#define MDI_BACKEND_SLOTS_SETS_H

#include "backend/state.h"

/* --- slots.c --- */

static inline bool mdi_slots_resident(const struct mdi_domain *domain)
{
	return mdi_backend_state.slots.owner[domain->key] == domain;
}

/* As _admit() for itself alone; it takes no slot with a bit in @keep. */
int mdi_slots_take(struct mdi_domain *domain, uint32_t keep,
		   const struct mdi_users *users);
/* All of its pages to another key, which its record says then. 0 or _OS. */
int mdi_slots_tag(struct mdi_domain *domain, int to);
/* What a module may do now; its links have what it could before. */
void mdi_slots_compute(struct mdi_domain *module);
uint32_t mdi_slots_all(void);
/* Nobody has this one any more, nor is there a page that carries it. */
void mdi_slots_free(int key);
/* May a thread have it that a module has made, and that nobody can end? */
bool mdi_slots_outlasted(int key, const struct mdi_users *users);
/* MODISO_ERR_NOKEY, with the sentence. */
int mdi_slots_busy(void);

/* --- slots_sets.c --- */

void mdi_sets_start(void);

/* @pkru without what @module's sets open to it. */
uint32_t mdi_sets_rights(const struct mdi_domain *module, uint32_t pkru);
/* For each module that has rights to @set. */
void mdi_sets_compute(const struct mdi_domain *set);
void mdi_sets_withdraw(const struct mdi_domain *set,
		       const struct mdi_users *users);
/* As shut() of slots.c; one of the two is a set. */
bool mdi_sets_shut(const struct mdi_domain *domain,
		   const struct mdi_domain *next,
		   const struct mdi_users *users);

/* A module and all of its sets: as mdi_slots_admit(). */
int mdi_sets_admit_all(struct mdi_domain *module,
		       const struct mdi_users *users);
/* The guests of a key that its owner, who is shut, is about to lose. */
int mdi_sets_see_out(struct mdi_domain *owner);
/* A module ends that had one. */
void mdi_sets_end_reader(struct mdi_domain *module);

#endif /* MDI_BACKEND_SLOTS_SETS_H */
