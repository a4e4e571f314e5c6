/* SPDX-License-Identifier: MIT */
/*
 * os/windows/guard.h - an exception is brought on the stack of the code that
 * has raised it, so a stack that has overflowed needs some more of it: a page
 * that tells of its first touch (PAGE_GUARD) and is an ordinary one from then
 * on, and room below it. An exception takes 2 KiB, with AVX-512 5 KiB, and the
 * functions that bring it some more.
 *
 *	base       + 4 KiB           + 20 KiB       + 24 KiB
 *	+- closed -+- room, open ----+- PAGE_GUARD -+- stack
 *
 * The room is always open: what is written there harms nobody, and is not
 * stopped either. The closed page is for who runs off the end of what lies
 * below.
 */
#ifndef MDI_OS_WINDOWS_GUARD_H
#define MDI_OS_WINDOWS_GUARD_H

#define MDI_GUARD_ROOM    ((size_t)16384)
#define MDI_GUARD_SIZE    (4096 + MDI_GUARD_ROOM + 4096)
#define MDI_GUARD_IS_VOID false

/* The page at @address has told of its first touch; it tells of the next. */
void mdi_guard_again(uintptr_t address);

#endif /* MDI_OS_WINDOWS_GUARD_H */
