/* SPDX-License-Identifier: MIT */
#include "core/seal.h"

#include "base/error.h"
#include "core/state.h"
#include "os/code.h"
#include "os/maps.h"
#include "os/objects.h"

#include <errno.h>
#include <string.h>

static struct mdi_seal_state *const own = &mdi_core_state.seal;

/*
 * What the dynamic linker has loaded, and nothing else: a module's code ends
 * with the module, a compiler's at run time is changed.
 */
static bool visit(const struct mdi_mapping *map, const char *name, void *arg)
{
	struct mdi_object object;
	int *result = arg;

	(void)name;
	if (map->write || !mdi_object_find(map->base, &object))
		return true;
	if (mdi_code_seal((void *)map->base, map->end - map->base) != 0) {
		*result = mdi_fail_os("mseal", "the host's code");
		return false;
	}
	own->sealed = true;
	return true;
}

int mdi_seal_code(void)
{
	int saved = errno, result = 0, error;

	if (mdi_code_seal(NULL, 0) != 0) {
		error = errno;
		errno = saved;
		return mdi_fail(MODISO_ERR_NOTSUP,
				"the kernel cannot seal memory: mseal(2): %s; "
				"Linux has it since 6.10, for 64-bit programs",
				strerror(error));
	}
	if (mdi_maps_walk_code(0, visit, &result) != 0)
		return mdi_fail_os("open", "/proc/self/maps");
	if (result == 0)
		errno = saved;
	return result;
}

bool mdi_seal_is_on(void)
{
	return own->sealed;
}
