/* SPDX-License-Identifier: MIT */
/*
 * os/windows/libc.h - longjmp(3), which is defined for the program as well.
 */
#ifndef MDI_OS_WINDOWS_LIBC_H
#define MDI_OS_WINDOWS_LIBC_H

#include "base/common.h"

/* The C library's own. */
MDI_NORETURN void mdi_libc_jump(void *env, int value);

#endif /* MDI_OS_WINDOWS_LIBC_H */
