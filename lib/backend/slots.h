/* SPDX-License-Identifier: MIT */
/*
 * backend/slots.h - more modules, and sets of them, than protection keys.
 *
 * A slot is a key that a module can have. A module without one is parked: its
 * pages carry the host key, and no thread has a link to enter it with.
 *
 * All of these are called with the library's lock held, but for
 * mdi_slots_domain() and mdi_slots_pin().
 */
#ifndef MDI_BACKEND_SLOTS_H
#define MDI_BACKEND_SLOTS_H

#include "backend/backend.h"

/* @keys: a bit for each slot's key. */
void mdi_slots_start(uint32_t keys);

/*
 * A domain comes, with a slot if one is free; and goes. Before a module goes
 * and nobody is inside: 0, or MODISO_ERR_OS: it cannot go yet.
 */
void mdi_slots_add(struct mdi_domain *domain);
int mdi_slots_empty(struct mdi_domain *module, const struct mdi_users *users);
void mdi_slots_remove(struct mdi_domain *domain);

/*
 * Give @domain a slot, taken from another domain if need be. 0;
 * MODISO_ERR_NOKEY: threads are inside of all that have one; or
 * MODISO_ERR_OS: nothing has changed.
 */
int mdi_slots_admit(struct mdi_domain *domain, const struct mdi_users *users);

/*
 * Before pages move: those who are inside of a module that has rights to the
 * new domain can have its key at once, nobody else enters without asking.
 */
int mdi_slots_prepare(const struct mdi_move *move,
		      const struct mdi_users *users);
bool mdi_slots_retire(struct mdi_domain *set, const struct mdi_users *users);

/*
 * A module's code makes a thread, a foreign one, which has these keys for as
 * long as it lives. AS-Safe, on a thread that is inside, or is foreign itself.
 */
void mdi_slots_pin(uint32_t keys);
/* Pinned ones whose module or set has ended, a bit for each. */
uint32_t mdi_slots_retired(void);

/* Who has the slot with this key, NULL: nobody. AS-Safe. */
struct mdi_domain *mdi_slots_domain(int key);

#endif /* MDI_BACKEND_SLOTS_H */
