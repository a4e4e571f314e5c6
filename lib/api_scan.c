/* SPDX-License-Identifier: MIT */
/*
 * The exported functions of modiso/scan.h: check the arguments, call one
 * internal function.
 */
#include <modiso.h>

#include "base/error.h"
#include "base/options.h"
#include "code/scan.h"
#include "code/scan_file.h"
#include "core/sizes.h"

#include <errno.h>
#include <string.h>

/* A scan for nothing would call everything clean. */
static int check_kinds(uint32_t kinds)
{
	if (kinds == 0 || (kinds & ~(uint32_t)MODISO_SCAN_ALL) != 0)
		return mdi_fail(MODISO_ERR_INVAL,
				"kinds is %#x; wanted are one or more of %#x",
				kinds, MODISO_SCAN_ALL);
	return 0;
}

/* @what is scanned is named @name. */
static int check_request(uint32_t kinds, const struct modiso_scan_info *info,
			 const void *what, const char *name)
{
	int result = check_kinds(kinds);

	if (result != 0)
		return result;
	if (info != NULL)
		result = mdi_info_check(info, MDI_SIZE_SCAN_INFO, "info");
	if (result != 0)
		return result;
	if (what == NULL)
		return mdi_fail(MODISO_ERR_INVAL, "%s is NULL", name);
	return 0;
}

static void give_info(struct modiso_scan_info *info,
		      const struct modiso_scan_info *answer)
{
	if (info != NULL)
		mdi_info_give(info, answer, sizeof(*answer));
}

int modiso_scan_memory(const void *base, size_t length, uint32_t kinds,
		       modiso_scan_fn fn, void *arg)
{
	int result = check_kinds(kinds);
	uintptr_t end;

	if (result != 0)
		return result;
	if (base == NULL && length != 0)
		return mdi_fail(MODISO_ERR_INVAL, "base is NULL");
	if (!mdi_range_end((uintptr_t)base, length, &end))
		return mdi_fail(MODISO_ERR_INVAL, "%zu bytes at %p wrap around",
				length, base);
	return mdi_scan_memory(base, length, kinds, fn, arg);
}

int modiso_scan_file(const char *path, uint32_t kinds, modiso_scan_fn fn,
		     void *arg, struct modiso_scan_info *info)
{
	struct modiso_scan_info answer = {0};
	int result = check_request(kinds, info, path, "path");

	if (result != 0)
		return result;
	result = mdi_scan_file(path, kinds, fn, arg, &answer);
	give_info(info, &answer);
	return result;
}

int modiso_scan_process(uint32_t pid, uint32_t kinds, modiso_scan_fn fn,
			void *arg, struct modiso_scan_info *info)
{
	struct modiso_scan_info answer = {0};
	int saved = errno, result = check_request(kinds, info, "", "");

	if (result != 0)
		return result;
	result = mdi_scan_process(pid, kinds, fn, arg, &answer);
	give_info(info, &answer);
	if (result != MODISO_ERR_OS)
		errno = saved;
	return result;
}

int modiso_scan_elf(const void *image, size_t length, uint32_t kinds,
		    modiso_scan_fn fn, void *arg, struct modiso_scan_info *info)
{
	struct modiso_scan_info answer = {0};
	int result = check_request(kinds, info, image, "image");

	if (result != 0)
		return result;
	result = mdi_scan_elf(image, length, kinds, fn, arg, &answer);
	give_info(info, &answer);
	return result;
}
