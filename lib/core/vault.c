/* SPDX-License-Identifier: MIT */
#include "core/vault.h"

#include "backend/backend.h"
#include "os/memory.h"

#include <errno.h>
#include <string.h>

#define CHUNK_SIZE ((size_t)256 * 1024)
#define SMALLEST 6  /* 64 bytes */
#define LARGEST 16  /* 64 KiB; above that, a mapping each */

struct chunk {
	struct chunk *next;
	size_t length;
};

struct free_object {
	struct free_object *next;
};

/* All guarded by the library's lock. */
static struct chunk *chunks;
static struct mdi_vault_area *areas;
static char *fresh, *fresh_end;
static struct free_object *free_lists[LARGEST + 1];

static unsigned class_of(size_t size)
{
	unsigned bits = SMALLEST;

	while (bits <= LARGEST && ((size_t)1 << bits) < size)
		bits++;
	return bits;
}

/* errno stays: that there is no memory is no system call's failure. */
static void *new_pages(size_t length)
{
	int saved = errno;
	void *pages = mdi_mem_reserve(length, MDI_PAGE_SIZE);

	if (pages != NULL &&
	    (mdi_mem_commit(pages, length) != 0 ||
	     mdi_mem_protect(pages, length, MDI_PROT_READ | MDI_PROT_WRITE) !=
		     0 ||
	     mdi_backend_now->protect_own(pages, length, false) != 0)) {
		mdi_mem_release(pages, length);
		pages = NULL;
	}
	errno = saved;
	return pages;
}

static char *new_chunk(size_t length)
{
	struct chunk *chunk = new_pages(length);

	if (chunk == NULL)
		return NULL;
	chunk->length = length;
	chunk->next = chunks;
	chunks = chunk;
	return (char *)chunk + 64;
}

void *mdi_vault_alloc(size_t size)
{
	unsigned class = class_of(size);
	struct free_object *object;
	size_t length = (size_t)1 << class;

	if (class > LARGEST) {
		if (!mdi_page_round(size + 64, &length))
			return NULL;
		return new_chunk(length); /* fresh pages are zero */
	}
	object = free_lists[class];
	if (object != NULL) {
		free_lists[class] = object->next;
		memset(object, 0, size);
		return object;
	}
	if ((size_t)(fresh_end - fresh) < length) {
		char *chunk = new_chunk(CHUNK_SIZE);

		if (chunk == NULL)
			return NULL;
		fresh = chunk;
		fresh_end = chunk - 64 + CHUNK_SIZE;
	}
	object = (void *)fresh;
	fresh += length;
	return object;
}

void mdi_vault_free(void *memory, size_t size)
{
	unsigned class = class_of(size);
	struct free_object *object = memory;

	if (memory == NULL)
		return;
	if (class > LARGEST) {
		struct chunk *chunk = (void *)((char *)memory - 64), **link;

		for (link = &chunks; *link != chunk; link = &(*link)->next)
			;
		*link = chunk->next;
		mdi_mem_release(chunk, chunk->length);
		return;
	}
	object->next = free_lists[class];
	free_lists[class] = object;
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
	area->next = areas;
	area->link = &areas;
	if (areas != NULL)
		areas->link = &area->next;
	areas = area;
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

bool mdi_vault_overlaps(uintptr_t base, uintptr_t end)
{
	for (struct chunk *chunk = chunks; chunk != NULL; chunk = chunk->next)
		if ((uintptr_t)chunk < end &&
		    base < (uintptr_t)chunk + chunk->length)
			return true;
	for (struct mdi_vault_area *area = areas; area != NULL;
	     area = area->next)
		if ((uintptr_t)area->base < end &&
		    base < (uintptr_t)area->base + area->length)
			return true;
	return false;
}

void mdi_vault_stop(void)
{
	struct chunk *chunk, *next;

	for (; areas != NULL; areas = areas->next)
		mdi_mem_release(areas->base, areas->length);
	for (chunk = chunks; chunk != NULL; chunk = next) {
		next = chunk->next;
		mdi_mem_release(chunk, chunk->length);
	}
	chunks = NULL;
	fresh = NULL;
	fresh_end = NULL;
	memset(free_lists, 0, sizeof(free_lists));
}
