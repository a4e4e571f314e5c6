/* SPDX-License-Identifier: MIT */
/* The exported functions of modiso/version.h, backend.h and init.h. */
#include <modiso.h>

#include "backend/select.h"
#include "base/error.h"
#include "backend/state.h"
#include "base/options.h"
#include "base/state.h"
#include "code/image_debug.h"
#include "code/state.h"
#include "core/permit.h"
#include "core/picture.h"
#include "core/report.h"
#include "core/runtime.h"
#include "core/sizes.h"
#include "core/state.h"
#include "front/front.h"

#include <stdlib.h>

/* All that can change, but for mdi_arrivals; front/ has the system's part. */
#define STATE(name) .state = &mdi_##name, .size = sizeof(mdi_##name)

#define MODISO_INIT_FLAGS                                                      \
	(MODISO_INIT_SHARED | MODISO_INIT_NO_STACKS | MODISO_INIT_RECORD)

#define MODISO_CLOSED_KINDS                                                    \
	(MODISO_CLOSED_DATA | MODISO_CLOSED_HEAP | MODISO_CLOSED_STACKS)

static const struct mdi_layer layers[] = {
	{ STATE(base_state) },
	{ STATE(arch_state) },
	{ STATE(backend_state) },
	{ STATE(core_state) },
	{ STATE(code_state), .after_fork = mdi_image_debug_after_fork },
	{ STATE(open), .how = MDI_OWN_CONSTANT },
	{ .state = NULL, .more = mdi_front_layers },
};

const char *modiso_version(void)
{
	return MODISO_VERSION_STRING;
}

int modiso_backend_query(enum modiso_backend id,
			 struct modiso_backend_info *info)
{
	const struct mdi_backend *backend = mdi_select_by_id(id);
	struct modiso_backend_info answer;
	int result;

	result = mdi_info_check(info, MDI_SIZE_BACKEND_INFO, "info");
	if (result != 0)
		return result;
	if (backend == NULL)
		return mdi_fail(MODISO_ERR_INVAL, "%d is no backend", (int)id);
	mdi_select_probe(backend, &answer);
	mdi_info_give(info, &answer, sizeof(answer));
	return 0;
}

enum modiso_backend modiso_backend_current(void)
{
	const struct mdi_backend *backend = mdi_backend_running();

	return backend ? backend->id : MODISO_BACKEND_AUTO;
}

int modiso_init(const struct modiso_options *options)
{
	struct modiso_options known = { .struct_size = sizeof(known) };
	int result;

	result = mdi_options_take(options, MDI_SIZE_OPTIONS, &known,
				  sizeof(known), "options");
	if (result == 0)
		result = mdi_options_flags(known.flags, MODISO_INIT_FLAGS,
					   "options.flags");
	if (result == 0)
		result = mdi_options_flags(known.closed, MODISO_CLOSED_KINDS,
					   "options.closed");
	if (result == 0 && known.closed != 0 &&
	    !(known.closed & MODISO_CLOSED_DATA))
		result = mdi_fail(MODISO_ERR_INVAL,
				  "options.closed is %#x, and must have "
				  "MODISO_CLOSED_DATA as well",
				  known.closed);
	if (result == 0 && known.exclusion > MODISO_EXCLUSION_EXTERNAL)
		result = mdi_fail(MODISO_ERR_INVAL,
				  "options.exclusion is %u, neither internal "
				  "nor external",
				  known.exclusion);
	if (result == 0 && known.unused != 0)
		result = mdi_fail(MODISO_ERR_INVAL,
				  "options.unused is %u, and must be 0",
				  known.unused);
	if (result != 0)
		return result;
	mdi_interpose();
	return mdi_runtime_start(&known, layers, &mdi_front);
}

/* The names go with the modules, so the words are made first. */
int modiso_fini(void)
{
	int result = mdi_runtime_check();
	char *words;

	if (result != 0)
		return result;
	mdi_picture_last();
	words = mdi_permit_last_words();
	result = mdi_runtime_stop();
	if (result == 0 && words != NULL && mdi_backend_running() == NULL)
		mdi_report_log_text(words);
	free(words);
	return result;
}

/* A program that ends without modiso_fini(), by exit(3). */
__attribute__((destructor)) static void at_exit(void)
{
	char *words;

	if (mdi_runtime_check() != 0)
		return;
	mdi_picture_last();
	words = mdi_permit_last_words();
	if (words != NULL)
		mdi_report_log_text(words);
	free(words);
}
