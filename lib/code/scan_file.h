/* SPDX-License-Identifier: MIT */
/*
 * code/scan_file.h - modiso_scan_file(), modiso_scan_elf() and
 * modiso_scan_process() without their checks. @info is never NULL.
 */
#ifndef MDI_CODE_SCAN_FILE_H
#define MDI_CODE_SCAN_FILE_H

#include "base/common.h"

#include <modiso/scan.h>

int mdi_scan_file(const char *path, uint32_t kinds, modiso_scan_fn fn,
		  void *arg, struct modiso_scan_info *info);
int mdi_scan_elf(const void *image, size_t length, uint32_t kinds,
		 modiso_scan_fn fn, void *arg, struct modiso_scan_info *info);

int mdi_scan_process(uint32_t pid, uint32_t kinds, modiso_scan_fn fn, void *arg,
		     struct modiso_scan_info *info);

#endif /* MDI_CODE_SCAN_FILE_H */
