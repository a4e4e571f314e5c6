/* SPDX-License-Identifier: MIT */
#include "core/vault.h"

#include "backend/backend.h"
#include "os/memory.h"

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
static char *fresh, *fresh_end;
static struct free_object *free_lists[LARGEST + 1];

static unsigned class_of(size_t size)
{
	unsigned bits = SMALLEST;

	while (bits <= LARGEST && ((size_t)1 << bits) < size)
		bits++;
	return bits;
}

static char *new_chunk(size_t length)
{
	struct chunk *chunk = mdi_mem_reserve(length, MDI_PAGE_SIZE);

	if (chunk == NULL)
		return NULL;
	if (mdi_mem_commit(chunk, length) != 0 ||
	    mdi_mem_protect(chunk, length, MDI_PROT_READ | MDI_PROT_WRITE) !=
		    0 ||
	    mdi_backend_now->protect_own(chunk, length, false) != 0) {
		mdi_mem_release(chunk, length);
		return NULL;
	}
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

bool mdi_vault_overlaps(uintptr_t base, uintptr_t end)
{
	for (struct chunk *chunk = chunks; chunk != NULL; chunk = chunk->next)
		if ((uintptr_t)chunk < end &&
		    base < (uintptr_t)chunk + chunk->length)
			return true;
	return false;
}

void mdi_vault_stop(void)
{
	struct chunk *chunk, *next;

	for (chunk = chunks; chunk != NULL; chunk = next) {
		next = chunk->next;
		mdi_mem_release(chunk, chunk->length);
	}
	chunks = NULL;
	fresh = NULL;
	fresh_end = NULL;
	memset(free_lists, 0, sizeof(free_lists));
}
