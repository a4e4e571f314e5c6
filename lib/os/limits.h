/* SPDX-License-Identifier: MIT */
/*
 * os/limits.h - why the system has refused a call: which limit, which policy.
 */
#ifndef MDI_OS_LIMITS_H
#define MDI_OS_LIMITS_H

#include "base/common.h"

/*
 * What stands behind @error of @call, as the end of a sentence, with its "; ",
 * or nothing. For the calls of memory, and those that make descriptors. Asks
 * the system, so it costs some system calls. Keeps errno.
 */
void mdi_os_why(const char *call, int error, char *text, size_t size);

#endif /* MDI_OS_LIMITS_H */
