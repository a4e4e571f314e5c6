/* SPDX-License-Identifier: MIT */
#include "code/image_bind.h"

#include "base/error.h"
#include "core/service.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a. */
static size_t hash_of(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325ull;

	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001b3ull;
	return hash ^ (hash >> 32);
}

/* The slot that holds a name, or the empty one where it belongs. */
static size_t *slot_of(const struct mdi_bindings *bindings, const char *name)
{
	size_t i = hash_of(name) & bindings->mask;

	while (bindings->slot[i] != 0 &&
	       strcmp(bindings->exports[bindings->slot[i] - 1].name, name) != 0)
		i = (i + 1) & bindings->mask;
	return &bindings->slot[i];
}

static int add(struct mdi_bindings *bindings, size_t i)
{
	const struct modiso_export *export = &bindings->exports[i];
	size_t *slot;

	if (export->name == NULL || *export->name == '\0')
		return mdi_fail(MODISO_ERR_INVAL,
				"options.exports[%zu] has no name", i);
	if (export->service == NULL)
		return mdi_fail(MODISO_ERR_INVAL,
				"options.exports[%zu], %s, has no service", i,
				export->name);
	slot = slot_of(bindings, export->name);
	if (*slot != 0)
		return mdi_fail(MODISO_ERR_INVAL,
				"options.exports has %s twice, at %zu and %zu",
				export->name, *slot - 1, i);
	*slot = i + 1;
	return 0;
}

int mdi_bindings_init(struct mdi_bindings *bindings,
		      const struct modiso_export *exports, size_t count)
{
	size_t room = 16;
	int result = 0;

	if (exports == NULL && count != 0)
		return mdi_fail(MODISO_ERR_INVAL,
				"options.exports is NULL and export_count %zu",
				count);
	if (count > SIZE_MAX / 64)
		return mdi_fail(MODISO_ERR_INVAL, "options.export_count is %zu",
				count);
	while (room < count * 2)
		room *= 2;
	bindings->exports = exports;
	bindings->mask = room - 1;
	bindings->slot = calloc(room, sizeof(*bindings->slot));
	if (bindings->slot == NULL)
		return mdi_fail_memory("a table of %zu exports", count);
	for (size_t i = 0; result == 0 && i < count; i++)
		result = add(bindings, i);
	if (result != 0)
		mdi_bindings_fini(bindings);
	return result;
}

void mdi_bindings_fini(struct mdi_bindings *bindings)
{
	free(bindings->slot);
	bindings->slot = NULL;
}

bool mdi_bindings_find(const struct mdi_bindings *bindings, const char *name,
		       uintptr_t *address)
{
	size_t slot = *slot_of(bindings, name);

	if (slot == 0)
		return false;
	*address = (uintptr_t)mdi_service_thunk(
		bindings->exports[slot - 1].service);
	return true;
}
