/* SPDX-License-Identifier: MIT */
/* The exported functions of modiso/version.h, backend.h and init.h. */
#include <modiso.h>

#include "backend/select.h"
#include "base/error.h"
#include "base/options.h"
#include "core/handler.h"
#include "core/runtime.h"

#include <string.h>

#define BACKEND_INFO_MIN sizeof(struct modiso_backend_info)

const char *modiso_version(void)
{
	return MODISO_VERSION_STRING;
}

int modiso_backend_query(enum modiso_backend id,
			 struct modiso_backend_info *info)
{
	const struct mdi_backend *backend = mdi_select_by_id(id);
	struct modiso_backend_info answer;

	if (info == NULL)
		return mdi_null_argument("info");
	if (info->struct_size < BACKEND_INFO_MIN)
		return mdi_fail(MODISO_ERR_INVAL, "info.struct_size is %u",
				info->struct_size);
	if (backend == NULL)
		return mdi_fail(MODISO_ERR_INVAL, "%d is no backend", (int)id);
	mdi_select_probe(backend, &answer);
	answer.struct_size = info->struct_size;
	memcpy(info, &answer, sizeof(answer));
	return 0;
}

enum modiso_backend modiso_backend_current(void)
{
	const struct mdi_backend *backend = mdi_backend_now;

	return backend ? backend->id : MODISO_BACKEND_AUTO;
}

int modiso_init(const struct modiso_options *options)
{
	struct modiso_options known = { .struct_size = sizeof(known) };
	int result;

	if (options != NULL) {
		result = mdi_options_take(options, options->struct_size, &known,
					  sizeof(known), "options");
		if (result != 0)
			return result;
	}
	result = mdi_options_flags(known.flags, 0, "options.flags");
	if (result == 0 && known.exclusion > MODISO_EXCLUSION_EXTERNAL)
		result = mdi_fail(MODISO_ERR_INVAL,
				  "options.exclusion is %u, neither internal "
				  "nor external",
				  known.exclusion);
	if (result != 0)
		return result;
	mdi_interpose();
	return mdi_runtime_start(&known);
}

int modiso_fini(void)
{
	int result = mdi_runtime_check();

	return result != 0 ? result : mdi_runtime_stop();
}
