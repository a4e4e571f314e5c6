/* SPDX-License-Identifier: MIT */
/*
 * base/options.h - arguments of public functions, the same check for each.
 */
#ifndef MDI_BASE_OPTIONS_H
#define MDI_BASE_OPTIONS_H

#include "base/common.h"

#include <stddef.h>

/* MODISO_ERR_INVAL: "@what is NULL". */
int mdi_null_argument(const char *what);

/*
 * Copy a caller's options over the defaults in @known; NULL: all defaults. The
 * caller's structure may be older (smaller, down to @first_size, and the rest
 * keeps its defaults) or newer (larger, and then what is unknown must be zero).
 * It begins with its size, a uint32_t. @name is how the sentence calls it. 0 or
 * MODISO_ERR_INVAL.
 */
int mdi_options_take(const void *options, size_t first_size, void *known,
		     size_t known_size, const char *name);

/*
 * A structure for an answer: is it one, of @first_size bytes or more? Then give
 * it as much of @answer as it has room for, and zeros for what this version
 * does not know. Its size stays as the caller has set it.
 */
int mdi_info_check(const void *info, size_t first_size, const char *name);
void mdi_info_give(void *info, const void *answer, size_t answer_size);

/* 0, or MODISO_ERR_INVAL when a bit is not in @known. */
int mdi_options_flags(uint32_t flags, uint32_t known, const char *what);

#endif /* MDI_BASE_OPTIONS_H */
