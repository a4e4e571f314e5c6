/* SPDX-License-Identifier: MIT */
#include "core/vault.h"

#include "backend/backend.h"
#include "base/error.h"
#include "core/state.h"
#include "os/memory.h"

#include <errno.h>
#include <string.h>

#define CHUNK_SIZE ((size_t)256 * 1024)
#define HEAD       ((size_t)64) /* of a chunk, where its record is */

struct mdi_vault_chunk {
	struct mdi_vault_chunk *next;
	size_t length;
	bool idle; /* a large object's, that was given back */
};

struct mdi_vault_object {
	struct mdi_vault_object *next;
};

static struct mdi_vault_state *const own = &mdi_core_state.vault;

static unsigned class_of(size_t size)
{
	unsigned bits = MDI_VAULT_SMALLEST;

	while (bits <= MDI_VAULT_LARGEST && ((size_t)1 << bits) < size)
		bits++;
	return bits;
}

/* NULL, or the call that was refused, with errno. */
static const char *open_pages(void *pages, size_t length)
{
	if (mdi_mem_commit(pages, length) != 0)
		return "mmap";
	if (mdi_mem_protect(pages, length, MDI_PROT_READ | MDI_PROT_WRITE) != 0)
		return "mprotect";
	if (mdi_backend_protect_own(mdi_backend_now, pages, length,
				    MDI_OWN_CLOSED) != 0)
		return "pkey_mprotect";
	return NULL;
}

/*
 * errno stays, as for all that is no MODISO_ERR_OS; the sentence has the call
 * that was refused.
 */
static void *new_pages(size_t length)
{
	int saved = errno;
	const char *call;
	void *pages = mdi_mem_reserve(length, MDI_PAGE_SIZE, &call);

	if (pages != NULL)
		call = open_pages(pages, length);
	mdi_memory_refused(call);
	if (call != NULL && pages != NULL) {
		mdi_mem_release(pages, length);
		pages = NULL;
	}
	errno = saved;
	return pages;
}

static char *new_chunk(size_t length)
{
	struct mdi_vault_chunk *chunk = new_pages(length);

	if (chunk == NULL)
		return NULL;
	chunk->length = length;
	chunk->next = own->chunks;
	own->chunks = chunk;
	return (char *)chunk + HEAD;
}

/*
 * Large objects are pages of their own. Those of one that is given back are
 * dropped and stay mapped: whoever still reads there finds zeros.
 */
static struct mdi_vault_chunk *chunk_of(void *large)
{
	return (struct mdi_vault_chunk *)(void *)((char *)large - HEAD);
}

static void *alloc_large(size_t size)
{
	struct mdi_vault_chunk *chunk = own->chunks;
	size_t length;

	if (__builtin_add_overflow(size, HEAD, &length) ||
	    !mdi_page_round(length, &length))
		return NULL;
	for (; chunk != NULL; chunk = chunk->next) {
		if (!chunk->idle || chunk->length < length ||
		    chunk->length / 2 > length)
			continue;
		chunk->idle = false;
		return (char *)chunk + HEAD;
	}
	return new_chunk(length); /* fresh pages are zero */
}

static void free_large(struct mdi_vault_chunk *chunk)
{
	char *behind = (char *)chunk + MDI_PAGE_SIZE;
	size_t rest = chunk->length - MDI_PAGE_SIZE;
	int saved = errno;

	memset((char *)chunk + HEAD, 0, MDI_PAGE_SIZE - HEAD);
	if (mdi_mem_discard(behind, rest) != 0)
		memset(behind, 0, rest);
	errno = saved;
	chunk->idle = true;
}

/* *@fresh: it is zero. */
static void *alloc(size_t size, bool *fresh)
{
	unsigned class = class_of(size);
	struct mdi_vault_object *object;
	size_t length = (size_t)1 << class;

	*fresh = true;
	if (class > MDI_VAULT_LARGEST)
		return alloc_large(size);
	object = own->free[class];
	if (object != NULL) {
		own->free[class] = object->next;
		*fresh = false;
		return object;
	}
	if ((size_t)(own->fresh_end - own->fresh) < length) {
		char *chunk = new_chunk(CHUNK_SIZE);

		if (chunk == NULL)
			return NULL;
		own->fresh = chunk;
		own->fresh_end = chunk - HEAD + CHUNK_SIZE;
	}
	object = (void *)own->fresh;
	own->fresh += length;
	return object;
}

void *mdi_vault_alloc(size_t size)
{
	bool fresh;
	void *object = alloc(size, &fresh);

	if (object != NULL && !fresh)
		memset(object, 0, size);
	return object;
}

void *mdi_vault_alloc_raw(size_t size)
{
	bool fresh;

	return alloc(size, &fresh);
}

void mdi_vault_free(void *memory, size_t size)
{
	unsigned class = class_of(size);
	struct mdi_vault_object *object = memory;

	if (memory == NULL)
		return;
	if (class > MDI_VAULT_LARGEST) {
		free_large(chunk_of(memory));
		return;
	}
	object->next = own->free[class];
	own->free[class] = object;
}

void *mdi_vault_take(enum mdi_vault_kind kind, size_t size)
{
	struct mdi_vault_object *object = own->free_kind[kind];

	if (object == NULL)
		return mdi_vault_alloc(size);
	own->free_kind[kind] = object->next;
	return object;
}

void mdi_vault_put(enum mdi_vault_kind kind, void *memory)
{
	struct mdi_vault_object *object = memory;

	object->next = own->free_kind[kind];
	own->free_kind[kind] = object;
}

struct mdi_vault_area *mdi_vault_map(size_t length)
{
	struct mdi_vault_area *area = mdi_vault_alloc(sizeof(*area));

	if (area == NULL)
		return NULL;
	area->base = new_pages(length);
	if (area->base == NULL) {
		mdi_vault_free(area, sizeof(*area));
		return NULL;
	}
	area->length = length;
	area->next = own->areas;
	area->link = &own->areas;
	if (own->areas != NULL)
		own->areas->link = &area->next;
	own->areas = area;
	return area;
}

void mdi_vault_unmap(struct mdi_vault_area *area)
{
	*area->link = area->next;
	if (area->next != NULL)
		area->next->link = area->link;
	mdi_mem_release(area->base, area->length);
	mdi_vault_free(area, sizeof(*area));
}

bool mdi_vault_holds(uintptr_t at, uintptr_t *until)
{
	for (struct mdi_vault_chunk *chunk = own->chunks; chunk != NULL;
	     chunk = chunk->next)
		if (mdi_range_holds((uintptr_t)chunk,
				    (uintptr_t)chunk + chunk->length, at,
				    until))
			return true;
	for (struct mdi_vault_area *area = own->areas; area != NULL;
	     area = area->next)
		if (mdi_range_holds((uintptr_t)area->base,
				    (uintptr_t)area->base + area->length, at,
				    until))
			return true;
	return false;
}

bool mdi_vault_overlaps(uintptr_t base, uintptr_t end)
{
	for (struct mdi_vault_chunk *chunk = own->chunks; chunk != NULL;
	     chunk = chunk->next)
		if ((uintptr_t)chunk < end &&
		    base < (uintptr_t)chunk + chunk->length)
			return true;
	for (struct mdi_vault_area *area = own->areas; area != NULL;
	     area = area->next)
		if ((uintptr_t)area->base < end &&
		    base < (uintptr_t)area->base + area->length)
			return true;
	return false;
}

void mdi_vault_stop(void)
{
	struct mdi_vault_chunk *chunk, *next;

	for (; own->areas != NULL; own->areas = own->areas->next)
		mdi_mem_release(own->areas->base, own->areas->length);
	for (chunk = own->chunks; chunk != NULL; chunk = next) {
		next = chunk->next;
		mdi_mem_release(chunk, chunk->length);
	}
	own->chunks = NULL;
	own->fresh = NULL;
	own->fresh_end = NULL;
	memset(own->free, 0, sizeof(own->free));
	memset(own->free_kind, 0, sizeof(own->free_kind));
}
