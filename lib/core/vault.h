/* SPDX-License-Identifier: MIT */
/*
 * core/vault.h - memory for what the library knows: closed to modules.
 *
 * Objects are zeroed. Memory that held an object of one size holds objects of
 * that size for ever (it is never unmapped before mdi_vault_stop()), so a
 * fault handler that reads an object while another thread frees it reads stale
 * or foreign bytes and never faults.
 */
#ifndef MDI_CORE_VAULT_H
#define MDI_CORE_VAULT_H

#include "base/common.h"

/* NULL when there is no memory. The library's lock is held. */
void *mdi_vault_alloc(size_t size);
void mdi_vault_free(void *object, size_t size);
/* The same without zeros: for bytes that are all written over at once. */
void *mdi_vault_alloc_raw(size_t size);

/*
 * Objects whose pointers a fault handler follows: memory that held one holds
 * another one of that kind or none, and is not zeroed. So what it finds is a
 * pointer of an object that was, as long as the new one is written over it.
 */
enum mdi_vault_kind { MDI_VAULT_REGION, MDI_VAULT_KINDS };
void *mdi_vault_take(enum mdi_vault_kind kind, size_t size);
void mdi_vault_put(enum mdi_vault_kind kind, void *object);

/* Pages that nothing else of the vault is in. */
struct mdi_vault_area {
	struct mdi_vault_area *next, **link;
	char *base;
	size_t length;
};

/* Zeroed, and given back when they are unmapped. NULL: there is no memory. */
struct mdi_vault_area *mdi_vault_map(size_t length);
void mdi_vault_unmap(struct mdi_vault_area *area);

/* Does the range touch a page of the vault? */
bool mdi_vault_overlaps(uintptr_t base, uintptr_t end);

/* Is @at in it? As mdi_range_holds(). */
bool mdi_vault_holds(uintptr_t at, uintptr_t *until);

void mdi_vault_stop(void);

#endif /* MDI_CORE_VAULT_H */
