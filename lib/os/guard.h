/* SPDX-License-Identifier: MIT */
/*
 * os/guard.h - what lies below a module's stack, so that one that runs off its
 * end is found out.
 *
 *	MDI_GUARD_SIZE     bytes, whole pages
 *	MDI_GUARD_ROOM     of them behind the first page, that are always open
 *	MDI_GUARD_IS_VOID  void pages (os/memory.h), which may lie in a run of
 *	                   open pages; and are not needed where the pages are
 *	                   closed anyway
 */
#ifndef MDI_OS_GUARD_H
#define MDI_OS_GUARD_H

#include "base/common.h"

#ifdef _WIN32
#include "os/windows/guard.h"
#else
#include "os/linux/guard.h"
#endif

/* Make the guard at @base, of pages that are reserved. 0, or -1 with errno. */
int mdi_guard_make(char *base);

#endif /* MDI_OS_GUARD_H */
