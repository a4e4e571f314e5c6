/* SPDX-License-Identifier: MIT */
#include "os/memory.h"

#include "os/guard.h"
#include "os/windows/views.h"
#include "os/windows/windows.h"

#include <errno.h>
#include <string.h>

/* A reservation begins at a multiple of this. */
#define GRANULARITY ((size_t)65536)

/* How often another thread may take the place that was found. */
#define ATTEMPTS 64

static DWORD protection(uint32_t prot)
{
	static const DWORD of[8] = {
		[MDI_PROT_NONE] = PAGE_NOACCESS,
		[MDI_PROT_READ] = PAGE_READONLY,
		[MDI_PROT_WRITE] = PAGE_READWRITE,
		[MDI_PROT_READ | MDI_PROT_WRITE] = PAGE_READWRITE,
		[MDI_PROT_EXEC] = PAGE_EXECUTE,
		[MDI_PROT_EXEC | MDI_PROT_READ] = PAGE_EXECUTE_READ,
		[MDI_PROT_EXEC | MDI_PROT_WRITE] = PAGE_EXECUTE_READWRITE,
		[MDI_PROT_EXEC | MDI_PROT_READ | MDI_PROT_WRITE] =
			PAGE_EXECUTE_READWRITE,
	};

	return of[prot & 7];
}

/* Pages there is nothing to be got ready for: a void page is not committed. */
const char *mdi_mem_start(void)
{
	return NULL;
}

void mdi_mem_stop(void)
{
}

static void *reserve_at(void *base, size_t length)
{
	return VirtualAlloc(base, length, MEM_RESERVE, PAGE_NOACCESS);
}

/*
 * A reservation is given back as a whole, so one that is aligned is found by
 * one that is too long, and taken anew when that has gone.
 */
static void *reserve_aligned(size_t length, size_t align)
{
	size_t room;
	char *found, *base = NULL;

	if (__builtin_add_overflow(length, align, &room))
		return NULL;
	for (int i = 0; base == NULL && i < ATTEMPTS; i++) {
		found = reserve_at(NULL, room);
		if (found == NULL)
			return NULL;
		VirtualFree(found, 0, MEM_RELEASE);
		found += -(uintptr_t)found & (align - 1);
		base = reserve_at(found, length);
	}
	return base;
}

void *mdi_mem_reserve(size_t length, size_t align, const char **call)
{
	void *base;

	*call = "VirtualAlloc";
	base = align <= GRANULARITY ? reserve_at(NULL, length) :
				      reserve_aligned(length, align);
	if (base == NULL)
		errno = ENOMEM;
	return base;
}

void *mdi_mem_reserve_at(void *at, size_t length, const char **call)
{
	void *base = reserve_at(at, length);

	return base != NULL ? base :
			      mdi_mem_reserve(length, MDI_PAGE_SIZE, call);
}

static int commit(void *base, size_t length, DWORD how)
{
	/* What was committed before is to be zero as well. */
	if (!VirtualFree(base, length, MEM_DECOMMIT) ||
	    VirtualAlloc(base, length, MEM_COMMIT, how) == NULL)
		return mdi_windows_failed();
	return 0;
}

int mdi_mem_commit(void *base, size_t length)
{
	mdi_views_end(base, length);
	return commit(base, length, PAGE_NOACCESS);
}

int mdi_mem_stage(void *base, size_t length)
{
	mdi_views_end(base, length);
	return commit(base, length, PAGE_READWRITE);
}

int mdi_mem_use(void *base, size_t length)
{
	return VirtualAlloc(base, length, MEM_COMMIT, PAGE_READWRITE) != NULL ?
		       0 :
		       mdi_windows_failed();
}

/* The system has promised them when they were committed. */
void mdi_mem_populate(void *base, size_t length)
{
	(void)base;
	(void)length;
}

int mdi_mem_populate_all(void *base, size_t length)
{
	(void)base;
	(void)length;
	return 0;
}

/* A view of a section goes as a whole. */
static bool decommit(void *base, size_t length)
{
	MEMORY_BASIC_INFORMATION piece;

	if (VirtualFree(base, length, MEM_DECOMMIT))
		return true;
	return VirtualQuery(base, &piece, sizeof(piece)) != 0 &&
	       piece.Type == MEM_MAPPED &&
	       UnmapViewOfFile(piece.AllocationBase);
}

int mdi_mem_decommit(void *base, size_t length)
{
	if (!decommit(base, length))
		return mdi_windows_failed();
	mdi_views_end(base, length);
	return 0;
}

/* mdi_mem_protect() leaves what is not committed as it is. */
int mdi_mem_void(void *base, size_t length)
{
	return mdi_mem_decommit(base, length);
}

int mdi_guard_make(char *base)
{
	char *room = base + MDI_PAGE_SIZE, *guard = room + MDI_GUARD_ROOM;

	if (commit(base, MDI_PAGE_SIZE, PAGE_NOACCESS) != 0 ||
	    commit(room, MDI_GUARD_ROOM, PAGE_READWRITE) != 0)
		return -1;
	return commit(guard, MDI_PAGE_SIZE, PAGE_READWRITE | PAGE_GUARD);
}

void mdi_guard_again(uintptr_t address)
{
	DWORD was;

	(void)VirtualProtect((void *)address, 1, PAGE_READWRITE | PAGE_GUARD,
			     &was);
}

/* --- pieces of a range: one allocation, one state, one protection --- */

/* The piece at @at, as far as @end; false: the system does not say. */
static bool piece_at(char *at, const char *end, MEMORY_BASIC_INFORMATION *piece,
		     size_t *length)
{
	if (VirtualQuery(at, piece, sizeof(*piece)) == 0)
		return false;
	*length = (size_t)((char *)piece->BaseAddress + piece->RegionSize - at);
	if (*length > (size_t)(end - at))
		*length = (size_t)(end - at);
	return true;
}

/*
 * One call changes pages of one allocation, all of them committed. Where that
 * is not so, each piece by itself; pages that are in no allocation fail.
 */
static int protect_pieces(char *base, size_t length, DWORD how)
{
	char *at = base, *end = base + length;
	MEMORY_BASIC_INFORMATION piece;
	size_t part;
	DWORD was;

	for (; at != end; at += part) {
		if (!piece_at(at, end, &piece, &part))
			return mdi_windows_failed();
		if (piece.State == MEM_FREE) {
			errno = ENOMEM;
			return -1;
		}
		if (piece.State == MEM_COMMIT &&
		    !VirtualProtect(at, part, how, &was))
			return mdi_windows_failed();
	}
	return 0;
}

int mdi_mem_protect(void *base, size_t length, uint32_t prot)
{
	DWORD how = protection(prot), was;

	if (VirtualProtect(base, length, how, &was))
		return 0;
	return GetLastError() == ERROR_INVALID_ADDRESS ||
			       GetLastError() == ERROR_INVALID_PARAMETER ?
		       protect_pieces(base, length, how) :
		       mdi_windows_failed();
}

/* Zero by new pages. For a moment there are none: nobody else uses them. */
static int discard_zero(char *at, const char *end)
{
	MEMORY_BASIC_INFORMATION piece;
	size_t part;

	for (; at != end; at += part) {
		if (!piece_at(at, end, &piece, &part))
			return mdi_windows_failed();
		if (piece.State == MEM_COMMIT &&
		    commit(at, part, piece.Protect) != 0)
			return -1;
	}
	return 0;
}

int mdi_mem_discard(void *base, size_t length)
{
	char *at = base, *end = at + length;
	size_t part;
	int result;

	for (; at != end; at += part) {
		part = (size_t)(end - at);
		result = mdi_view_restore(at, &part);
		if (result == 0)
			result = discard_zero(at, at + part);
		if (result < 0)
			return -1;
	}
	return 0;
}

bool mdi_mem_discard_opens(void)
{
	return true;
}

/* Pages stay where they are: what can be moved is what a view is of. */
int mdi_mem_move(void *from, size_t length, void *to)
{
	return mdi_view_move(from, length, to);
}

bool mdi_mem_denies_code(void)
{
	return false;
}

static int no_keys(void)
{
	errno = ENOSYS;
	return -1;
}

int mdi_key_alloc(bool closed)
{
	(void)closed;
	return no_keys();
}

int mdi_key_free(int key)
{
	(void)key;
	return no_keys();
}

int mdi_mem_protect_key(void *base, size_t length, uint32_t prot, int key)
{
	return key == MDI_NO_KEY ? mdi_mem_protect(base, length, prot) :
				   no_keys();
}

bool mdi_mem_allows(uintptr_t address, bool write)
{
	const DWORD writable = PAGE_READWRITE | PAGE_WRITECOPY |
			       PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY;
	const DWORD readable = writable | PAGE_READONLY | PAGE_EXECUTE_READ;
	MEMORY_BASIC_INFORMATION piece;

	return VirtualQuery((void *)address, &piece, sizeof(piece)) != 0 &&
	       piece.State == MEM_COMMIT && !(piece.Protect & PAGE_GUARD) &&
	       (piece.Protect & (write ? writable : readable)) != 0;
}

bool mdi_mem_is_there(uintptr_t address)
{
	MEMORY_BASIC_INFORMATION piece;

	return VirtualQuery((void *)address, &piece, sizeof(piece)) != 0 &&
	       piece.State == MEM_COMMIT;
}

/* A promise that could not be kept is not given. */
int mdi_mem_nodump(void *base, size_t length)
{
	(void)base;
	(void)length;
	errno = ENOSYS;
	return -1;
}

int mdi_mem_unmap(void *base, size_t length)
{
	if (!VirtualFree(base, 0, MEM_RELEASE))
		return mdi_windows_failed();
	mdi_views_end(base, length);
	return 0;
}

void mdi_mem_release(void *base, size_t length)
{
	int saved = errno;

	(void)mdi_mem_unmap(base, length);
	errno = saved;
}
