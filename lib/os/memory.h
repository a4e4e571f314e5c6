/* SPDX-License-Identifier: MIT */
/*
 * os/memory.h - address space and page protections.
 *
 * All sizes are bytes and whole pages. Every function returns 0 or -1 with
 * errno, or an address or NULL with errno.
 */
#ifndef MDI_OS_MEMORY_H
#define MDI_OS_MEMORY_H

#include "base/common.h"

/* Page permissions, the same bits as MODISO_READ and so on. */
#define MDI_PROT_NONE 0u
#define MDI_PROT_READ 1u
#define MDI_PROT_WRITE 2u
#define MDI_PROT_EXEC 4u

/* No protection key: leave the pages with the one they have. */
#define MDI_NO_KEY (-1)

/*
 * Address space that nobody can touch, at a multiple of @align (power of 2).
 * NULL: *@call has failed, with errno.
 */
void *mdi_mem_reserve(size_t length, size_t align, const char **call);

/* The same for whole pages: at @at, or where that is not free, anywhere. */
void *mdi_mem_reserve_at(void *at, size_t length, const char **call);

/* Zeroed, private pages inside a reservation; nobody can touch them yet. */
int mdi_mem_commit(void *base, size_t length);

/* The same, readable and writable. */
int mdi_mem_stage(void *base, size_t length);

/* Pages of a reservation that were never used: readable and writable. */
int mdi_mem_use(void *base, size_t length);

/* Get writable pages now, not one by one; a hint that changes no meaning. */
void mdi_mem_populate(void *base, size_t length);

/* The same, and it must be: -1 and ENOSPC where a file system is full. */
int mdi_mem_populate_all(void *base, size_t length);

/* Back to a reservation: contents and permissions are gone. */
int mdi_mem_decommit(void *base, size_t length);

/*
 * Pages on which every access is a SIGBUS, whatever mdi_mem_protect() says
 * later: holes that do not split a range of one protection.
 */
int mdi_mem_void(void *base, size_t length);

/*
 * Drop what was written: private pages of a file read as the file afterwards,
 * all others as zero. Costs by the pages that were touched.
 */
int mdi_mem_discard(void *base, size_t length);

/*
 * Does that open pages for a moment that are closed? Then no thread runs
 * meanwhile that could touch them.
 */
bool mdi_mem_discard_opens(void);

/* Mapped pages take the place of others, in one step and rights included. */
int mdi_mem_move(void *from, size_t length, void *to);

/* --- protection keys --- */

/* @closed: without rights for the calling thread, else with all. */
int mdi_key_alloc(bool closed);
int mdi_key_free(int key);

/*
 * Does the kernel refuse to make pages executable that were mapped otherwise
 * (MDWE)? For what is so from the beginning it has no word then.
 */
bool mdi_mem_denies_code(void);

int mdi_mem_protect(void *base, size_t length, uint32_t prot);
int mdi_mem_protect_key(void *base, size_t length, uint32_t prot, int key);

/* Pages side by side with one protection; the unit of a system call. */
struct mdi_run {
	char *base;
	size_t length;
	uint32_t prot;
	bool outside; /* not in its domain's own range: adopted memory */
};

/*
 * A key for each of them, with a few instructions between the system calls.
 * NULL, or the first one that the kernel refuses, and errno.
 */
const struct mdi_run *mdi_mem_key_runs(const struct mdi_run *run, size_t count,
				       int key);
/* May a page be read, or written as well, just now? Changes nothing. */
bool mdi_mem_allows(uintptr_t address, bool write);
/*
 * Is there memory that can be opened, where an access was refused? Linux has
 * said so of the access itself.
 */
bool mdi_mem_is_there(uintptr_t address);
int mdi_mem_nodump(void *base, size_t length);
/* Address space goes back to the kernel; nothing has changed on failure. */
int mdi_mem_unmap(void *base, size_t length);
/* The same where nobody can be told: what the kernel keeps is lost. */
void mdi_mem_release(void *base, size_t length);

/*
 * Get the first void page (a mapping of an empty file), once, and drop it.
 * NULL, or the call that has failed, with errno.
 */
const char *mdi_mem_start(void);
void mdi_mem_stop(void);

#endif /* MDI_OS_MEMORY_H */
