/* SPDX-License-Identifier: MIT */
#include "backend/select.h"

#include "base/error.h"
#include "base/settings.h"
#include "os/libc.h"

#include <stdlib.h>
#include <string.h>

/* Strongest first. */
static const struct mdi_backend *const order[] = {
	&mdi_backend_pkey,
	&mdi_backend_mprotect,
};

#define CAPS_ALL                                                      \
	(MODISO_CAP_GUARD | MODISO_CAP_READONLY | MODISO_CAP_SEALED | \
	 MODISO_CAP_PER_THREAD | MODISO_CAP_PARALLEL |                \
	 MODISO_CAP_UNLIMITED | MODISO_CAP_EXITS | MODISO_CAP_SYSCALLS)

const struct mdi_backend *mdi_select_by_id(uint32_t id)
{
	for (size_t i = 0; i < MDI_COUNT(order); i++)
		if (order[i]->id == id)
			return order[i];
	return NULL;
}

int mdi_select_probe(const struct mdi_backend *backend,
		     struct modiso_backend_info *info)
{
	int result;

	memset(info, 0, sizeof(*info));
	info->struct_size = sizeof(*info);
	info->backend = backend->id;
	info->name = backend->name;
	result = backend->probe(info);
	if (result == 0 && mdi_libc_is_asked())
		info->caps |= MODISO_CAP_EXITS;
	return result;
}

static const char *why_not(const struct mdi_backend *backend,
			   struct modiso_backend_info *info,
			   uint32_t require)
{
	if (require & ~info->caps & MODISO_CAP_EXITS)
		return "what the program calls to exit or to jump is the C "
		       "library's own, because it is linked statically or has "
		       "libmodiso behind the C library; link it with the "
		       "shared library (-lmodiso)";
	if (require & ~info->caps & MODISO_CAP_SYSCALLS)
		(void)backend->syscalls(info->reason, sizeof(info->reason));
	return info->reason;
}

/* Is it usable, with all that is required of it? */
static int fits(const struct mdi_backend *backend,
		const struct modiso_options *options)
{
	uint32_t require = options->require;
	struct modiso_backend_info info;
	int result = mdi_select_probe(backend, &info);

	if (backend->process != NULL && options->closed != 0)
		info.caps |= MODISO_CAP_READONLY | MODISO_CAP_SEALED;

	if (result != 0)
		return mdi_fail(result,
				"backend %s cannot be had: %s", backend->name,
				info.reason);
	if ((info.caps & require) != require)
		return mdi_fail(MODISO_ERR_NOTSUP,
				"backend %s has capabilities %#x, %#x are "
				"required; %s",
				backend->name, info.caps, require,
				why_not(backend, &info, require));
	return 0;
}

static int by_environment(const struct mdi_backend **out)
{
	const char *name = secure_getenv("MODISO_BACKEND");
	const char *from = "MODISO_BACKEND";

	*out = NULL;
	if (name == NULL || name[0] == '\0') {
		name = mdi_settings()->backend;
		from = "MODISO_OPTIONS: backend";
	}
	if (name[0] == '\0' || strcmp(name, "auto") == 0)
		return 0;
	for (size_t i = 0; i < MDI_COUNT(order); i++)
		if (strcmp(order[i]->name, name) == 0)
			*out = order[i];
	if (*out == NULL)
		return mdi_fail(MODISO_ERR_INVAL,
				"%s=%.40s in the environment is no backend: "
				"pkey, mprotect or auto",
				from, name);
	return 0;
}

/* --disable-mprotect-fallback: the weaker one only for those who name it. */
static bool automatic(const struct mdi_backend *backend)
{
	return MDI_MPROTECT_FALLBACK || backend != &mdi_backend_mprotect;
}

int mdi_select(const struct modiso_options *options,
	       const struct mdi_backend **out)
{
	const struct mdi_backend *named;
	int result;

	if (options->require & ~CAPS_ALL)
		return mdi_fail(MODISO_ERR_INVAL,
				"options.require has unknown bits: %#x",
				options->require & ~CAPS_ALL);
	if (options->backend != MODISO_BACKEND_AUTO) {
		named = mdi_select_by_id(options->backend);
		if (named == NULL)
			return mdi_fail(MODISO_ERR_INVAL,
					"options.backend is %u, no backend",
					options->backend);
	} else {
		result = by_environment(&named);
		if (result != 0)
			return result;
	}
	if (named != NULL) {
		result = fits(named, options);
		if (result == 0)
			*out = named;
		return result;
	}
	result = MODISO_ERR_NOTSUP;
	for (size_t i = 0; i < MDI_COUNT(order); i++) {
		if (!automatic(order[i]))
			continue;
		result = fits(order[i], options);
		if (result == 0) {
			*out = order[i];
			return 0;
		}
	}
	return result;
}
