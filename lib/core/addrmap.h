/* SPDX-License-Identifier: MIT */
/*
 * core/addrmap.h - which region holds an address.
 *
 * A treap (a binary tree by address that is a heap by a hash of it), so every
 * operation takes O(log n). Writers hold the library's lock. Readers take
 * none: a counter tells them that a writer was there meanwhile, and memory of
 * nodes stays memory of nodes (core/vault.h), so a fault handler can read.
 */
#ifndef MDI_CORE_ADDRMAP_H
#define MDI_CORE_ADDRMAP_H

#include "base/common.h"

struct mdi_addrnode {
	uintptr_t base, end;
	struct mdi_addrnode *left, *right;
};

/* The range must overlap no other one: see mdi_addrmap_overlap(). */
void mdi_addrmap_insert(struct mdi_addrnode *node);
void mdi_addrmap_remove(struct mdi_addrnode *node);

/*
 * The range that holds @address, or NULL; _next: else the first one above;
 * _place: that range, and those next to it or to the address. AS-Safe; waits
 * for a writer that was stopped half-way, and is NULL when none comes back in
 * ten seconds.
 */
struct mdi_addrmap_place {
	struct mdi_addrnode *at, *below, *above;
};

struct mdi_addrnode *mdi_addrmap_find(uintptr_t address);
struct mdi_addrnode *mdi_addrmap_find_next(uintptr_t address);
void mdi_addrmap_find_place(uintptr_t address, struct mdi_addrmap_place *place);

/* A range that overlaps [base, end), or NULL. */
struct mdi_addrnode *mdi_addrmap_overlap(uintptr_t base, uintptr_t end);

void mdi_addrmap_reset(void);

#endif /* MDI_CORE_ADDRMAP_H */
