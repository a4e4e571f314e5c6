/* SPDX-License-Identifier: MIT */
/*
 * os/critical.h - code that no handler of the host may interrupt.
 */
#ifndef MDI_OS_CRITICAL_H
#define MDI_OS_CRITICAL_H

#include "base/common.h"

#ifdef _WIN32
#include "os/windows/critical.h"
#else
#include "os/linux/critical.h"
#endif

#endif /* MDI_OS_CRITICAL_H */
