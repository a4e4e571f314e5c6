/* SPDX-License-Identifier: MIT */
/*
 * Pages of domains and of the library, by the keys that they carry: a page is
 * tagged when it comes, and again when its domain gets another key.
 */
#include "backend/pkey.h"

#include "backend/slots.h"
#include "backend/state.h"
#include "base/error.h"
#include "os/memory.h"
#include "os/misuse.h"

#include <errno.h>

#define state (mdi_open.state)

int mdi_pkey_domain_init(struct mdi_domain *domain)
{
	switch (domain->kind) {
	case MDI_DOMAIN_HOST:
		domain->key = state.host_key;
		return 0;
	case MDI_DOMAIN_CLOSED:
		domain->key = state.closed_key;
		return 0;
	case MDI_DOMAIN_MODULE:
		domain->parked_rights = mdi_pkey_parked(domain->confinement);
		break;
	case MDI_DOMAIN_SHARED:
		break;
	}
	mdi_slots_add(domain);
	return 0;
}

int mdi_pkey_domain_fini(struct mdi_domain *domain, void *base, size_t length,
			 const struct mdi_users *users)
{
	int result = domain->kind == MDI_DOMAIN_MODULE
			     ? mdi_slots_empty(domain, users)
			     : 0;

	if (result != 0)
		return result;
	/* Before the key is anybody else's. */
	if (mdi_mem_unmap(base, length) != 0)
		return mdi_fail_os("munmap", "%zu bytes of a module", length);
	if (domain->kind == MDI_DOMAIN_MODULE)
		mdi_slots_remove(domain);
	return 0;
}

/* The kernel can stop between one mapping and the next: all as it was. */
static int put_back(const struct mdi_domain *domain, void *base, size_t length,
		    uint32_t was)
{
	int result =
		mdi_fail_os("pkey_mprotect", "%zu bytes at %p", length, base);
	int saved = errno, key = domain->key;

	if (was == MDI_WAS_FRESH)
		return result;
	if (was == MDI_WAS_NOBODYS) {
		was = MDI_PROT_READ | MDI_PROT_WRITE;
		key = 0;
	}
	if (mdi_mem_protect_key(base, length, was, key) != 0)
		mdi_misuse("pkey_mprotect(2) stopped half-way and would not "
			   "put back what it had changed; going on could leave "
			   "memory open");
	errno = saved;
	return result;
}

int mdi_pkey_protect(struct mdi_domain *domain, void *base, size_t length,
		     uint32_t prot, uint32_t was, struct mdi_runs *runs)
{
	if (domain->key == MDI_NO_KEY)
		return mdi_fail(MODISO_ERR_NOKEY,
				"no protection key is left for closed host "
				"regions");
	if (mdi_mem_protect_key(base, length, prot, domain->key) != 0)
		return put_back(domain, base, length, was);
	mdi_runs_swap(&domain->runs, runs);
	return 0;
}

int mdi_pkey_release(struct mdi_domain *domain, void *base, size_t length,
		     uint32_t was, struct mdi_runs *runs)
{
	if (mdi_mem_protect_key(base, length, MDI_PROT_READ | MDI_PROT_WRITE,
				0) != 0)
		return put_back(domain, base, length, was);
	mdi_runs_swap(&domain->runs, runs);
	return 0;
}

int mdi_pkey_remap_rights(struct mdi_domain *domain, void *base, size_t length,
			  uint32_t prot)
{
	if (mdi_mem_protect_key(base, length, prot, domain->key) != 0)
		return mdi_fail_os("pkey_mprotect", "%zu bytes at %p", length,
				   base);
	return 0;
}

int mdi_pkey_discard(struct mdi_domain *domain, void *base, size_t length,
		     struct mdi_runs *runs)
{
	if (mdi_mem_decommit(base, length) != 0)
		return mdi_fail_os("mmap", "closing %zu bytes at %p", length,
				   base);
	mdi_runs_swap(&domain->runs, runs);
	return 0;
}

int mdi_pkey_move(const struct mdi_move *move, const struct mdi_users *users)
{
	int result = mdi_slots_prepare(move, users);

	if (result != 0)
		return result;
	if (mdi_mem_protect_key(move->base, move->length, move->prot,
				move->to->key) != 0)
		return put_back(move->from, move->base, move->length,
				move->prot);
	mdi_runs_swap(&move->from->runs, move->from_runs);
	mdi_runs_swap(&move->to->runs, move->to_runs);
	/* Who is inside has them when it comes back from a service. */
	for (uint32_t i = 0; i < move->to->share_count; i++)
		if (move->to->shares[i].module != NULL)
			users->renew(move->to->shares[i].module);
	return 0;
}

int mdi_pkey_protect_own(void *base, size_t length, enum mdi_own how)
{
	int key = how == MDI_OWN_CLOSED ? state.host_key : state.open_key;
	uint32_t prot = MDI_PROT_READ | MDI_PROT_WRITE;

	if (key == MDI_NO_KEY) {
		key = 0;
		if (how == MDI_OWN_CONSTANT)
			prot = MDI_PROT_READ;
	}
	if (mdi_mem_protect_key(base, length, prot, key) != 0)
		return mdi_fail_os("pkey_mprotect", "the library's memory");
	return 0;
}

int mdi_pkey_unprotect_own(void *base, size_t length)
{
	if (mdi_mem_protect_key(base, length, MDI_PROT_READ | MDI_PROT_WRITE,
				0) != 0)
		return mdi_fail_os("pkey_mprotect",
				   "giving back the library's memory");
	return 0;
}

/* Its end is where the kernel writes: signal.S. */
int mdi_pkey_protect_altstack(void *base, size_t length)
{
	const uint32_t prot = MDI_PROT_READ | MDI_PROT_WRITE;

	if (!state.signal_key_used)
		return 0; /* key 0: open to handlers from their first push on */
	if (mdi_mem_protect_key(base, length - MDI_ALTSTACK_OPEN, prot,
				state.host_key) != 0 ||
	    mdi_mem_protect_key((char *)base + length - MDI_ALTSTACK_OPEN,
				MDI_ALTSTACK_OPEN, prot,
				state.signal_key) != 0)
		return mdi_fail_os("pkey_mprotect", "a signal stack");
	return 0;
}
