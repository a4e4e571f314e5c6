/* SPDX-License-Identifier: MIT */
/*
 * backend/pkey.h - between the files of the backend with protection keys:
 * pkey.c, rights of threads; pkey_pages.c, pages and the keys they carry;
 * pkey_probe.c, what this machine has; pkey_guard.c, system calls of modules.
 */
#ifndef MDI_BACKEND_PKEY_H
#define MDI_BACKEND_PKEY_H

#include "backend/backend.h"

/* --- pkey.c --- */

/* What a module of this confinement may do while it has no slot. */
uint32_t mdi_pkey_parked(uint32_t confinement);

/* --- pkey_pages.c: as struct mdi_backend has them --- */

int mdi_pkey_domain_init(struct mdi_domain *domain);
int mdi_pkey_domain_fini(struct mdi_domain *domain, void *base, size_t length,
			 const struct mdi_users *users);
int mdi_pkey_protect(struct mdi_domain *domain, void *base, size_t length,
		     uint32_t prot, uint32_t was, struct mdi_runs *runs);
int mdi_pkey_release(struct mdi_domain *domain, void *base, size_t length,
		     uint32_t was, struct mdi_runs *runs);
int mdi_pkey_remap_rights(struct mdi_domain *domain, void *base, size_t length,
			  uint32_t prot);
int mdi_pkey_discard(struct mdi_domain *domain, void *base, size_t length,
		     struct mdi_runs *runs);
int mdi_pkey_move(const struct mdi_move *move, const struct mdi_users *users);
int mdi_pkey_protect_own(void *base, size_t length, enum mdi_own how);
int mdi_pkey_unprotect_own(void *base, size_t length);
int mdi_pkey_protect_altstack(void *base, size_t length);

/* --- pkey_guard.c: as struct mdi_backend has them --- */

bool mdi_pkey_stops_calls(char *why, size_t size);
uintptr_t mdi_pkey_way(struct mdi_thread *thread, struct mdi_context *context,
		       struct mdi_resume_words *words);

/* --- pkey_probe.c --- */

/* Host and one slot; the third is the open key. */
#define MDI_PKEY_KEYS_MIN 2

int mdi_pkey_probe(struct modiso_backend_info *info);

/* Can the kernel write a signal's frame where the thread has no rights? */
bool mdi_pkey_frames_anywhere(void);

/* All keys that are free, or @most unless it is 0: their bits and number. */
int mdi_pkey_take_keys(uint32_t most, uint32_t *keys);
void mdi_pkey_give_keys(uint32_t keys);

/* MODISO_CAP_* of a library that has so many keys. */
uint32_t mdi_pkey_capabilities(uint32_t keys);

#endif /* MDI_BACKEND_PKEY_H */
