/* SPDX-License-Identifier: MIT */
/*
 * base/options.h - arguments of public functions, the same check for each.
 */
#ifndef MDI_BASE_OPTIONS_H
#define MDI_BASE_OPTIONS_H

#include "base/common.h"

/* MODISO_ERR_INVAL: "@what is NULL". */
int mdi_null_argument(const char *what);

/*
 * Copy a caller's options over the defaults in @known. The caller's structure
 * may be older (smaller) or newer (larger, and then what is unknown must be
 * zero). @name is how the sentence calls it. 0 or MODISO_ERR_INVAL.
 */
int mdi_options_take(const void *options, uint32_t struct_size, void *known,
		     size_t known_size, const char *name);

/* 0, or MODISO_ERR_INVAL when a bit is not in @known. */
int mdi_options_flags(uint32_t flags, uint32_t known, const char *what);

#endif /* MDI_BASE_OPTIONS_H */
