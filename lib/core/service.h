/* SPDX-License-Identifier: MIT */
/*
 * core/service.h - host functions that modules may call.
 */
#ifndef MDI_CORE_SERVICE_H
#define MDI_CORE_SERVICE_H

#include <modiso/service.h>

#include "core/module.h"

struct modiso_service {
	uint64_t unused; /* a free object's first word is the vault's */
	uint32_t mark;   /* MDI_MARK_SERVICE */
	uint32_t number;
	bool listed;
	uint32_t pointers; /* bit n: word n is one of the caller's */
	char name[MODISO_NAME_SIZE];
	uint64_t *allowed; /* one bit for each link; NULL: nobody */
};

/* The library's lock is held in these. */
int mdi_service_create(const char *name, modiso_fn function,
		       const struct modiso_service_options *options,
		       struct modiso_service **out);
int mdi_service_allow(struct modiso_service *service,
		      struct modiso_module *module, bool yes);
void mdi_service_destroy(struct modiso_service *service);
/* A module ends: whoever gets its link next starts without permissions. */
void mdi_services_forget(const struct modiso_module *module);
size_t mdi_service_count(void);
/* What module code calls. */
modiso_fn mdi_service_thunk(const struct modiso_service *service);
void mdi_services_start(void);

/* "name" of a service by number, for reports; "" when there is none. */
const char *mdi_service_name(uint32_t number);
/* Which of its words it may fault at; 0: none. AS-Safe. */
uint32_t mdi_service_pointers(uint32_t number);
/* While it runs: are the words that it was called with on the host's stack? */
bool mdi_service_words_kept(uint32_t number);

#endif /* MDI_CORE_SERVICE_H */
