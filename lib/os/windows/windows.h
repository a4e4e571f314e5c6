/* SPDX-License-Identifier: MIT */
/*
 * os/windows/windows.h - <windows.h> without what gets in the way, and the
 * system's errors as errno.
 */
#ifndef MDI_OS_WINDOWS_WINDOWS_H
#define MDI_OS_WINDOWS_WINDOWS_H

#include "base/common.h"

#ifndef WIN32_LEAN_AND_MEAN
#	define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>
#undef near
#undef far

/* errno becomes what GetLastError() means. Returns -1. */
int mdi_windows_failed(void);

#endif /* MDI_OS_WINDOWS_WINDOWS_H */
