/* SPDX-License-Identifier: MIT */
/*
 * os/linux/guard.h - one page: signals are served on a stack of their own.
 */
#ifndef MDI_OS_LINUX_GUARD_H
#define MDI_OS_LINUX_GUARD_H

#define MDI_GUARD_ROOM    ((size_t)0)
#define MDI_GUARD_SIZE    ((size_t)4096)
#define MDI_GUARD_IS_VOID true

#endif /* MDI_OS_LINUX_GUARD_H */
