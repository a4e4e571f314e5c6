/* SPDX-License-Identifier: MIT */
/*
 * os/dispatch.h - system calls of a thread that come to the library instead.
 *
 * Linux calls it Syscall User Dispatch. A thread that is armed names a byte,
 * and the kernel reads it at each system call of the thread, by whatever
 * instruction, with the rights that the thread has: 0 lets the call through, 1
 * makes it a SIGSYS with the code SYS_USER_DISPATCH, and nothing is done. A
 * byte that cannot be read ends the process. Threads and processes that it
 * makes are not armed, nor is what it executes.
 */
#ifndef MDI_OS_DISPATCH_H
#define MDI_OS_DISPATCH_H

#include "base/common.h"

/*
 * The calling thread, from now on; or by another byte. -1 and errno when the
 * kernel refuses.
 */
int mdi_dispatch_on(const uint8_t *selector);
/* Not any more. Keeps errno. */
void mdi_dispatch_off(void);

/* Does it work here? A forked child finds out, once. Keeps errno. */
bool mdi_dispatch_works(void);
/* In words, why it does not. */
void mdi_dispatch_why_not(char *text, size_t size);

#endif /* MDI_OS_DISPATCH_H */
