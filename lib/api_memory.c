/* SPDX-License-Identifier: MIT */
/* The exported functions of snapshots. */
#include <modiso.h>

#include "base/error.h"
#include "base/misuse.h"
#include "base/options.h"
#include "core/module.h"
#include "core/runtime.h"
#include "core/snapshot.h"

static int check_module(const struct modiso_module *module)
{
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (module == NULL)
		return mdi_null_argument("module");
	mdi_check_mark(module->mark, MDI_MARK_MODULE,
		       "a module was used after modiso_module_destroy()");
	return 0;
}

int modiso_snapshot_take(struct modiso_module *module)
{
	int result = check_module(module);

	return result != 0 ? result : mdi_snapshot_take(module);
}

int modiso_snapshot_restore(struct modiso_module *module)
{
	int result = check_module(module);

	if (result != 0)
		return result;
	mdi_runtime_lock();
	result = mdi_snapshot_restore(module);
	mdi_runtime_unlock();
	return result;
}
