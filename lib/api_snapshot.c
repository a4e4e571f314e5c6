/* SPDX-License-Identifier: MIT */
/* The exported functions of modiso/snapshot.h. */
#include <modiso.h>

#include "core/check.h"
#include "core/snapshot.h"

int modiso_snapshot_take(struct modiso_module *module)
{
	int result = mdi_check_module(module);

	return result != 0 ? result : mdi_snapshot_take(module);
}

int modiso_snapshot_restore(struct modiso_module *module)
{
	int result = mdi_check_module(module);

	return result != 0 ? result : mdi_snapshot_restore(module);
}
