/* SPDX-License-Identifier: MIT */
/*
 * os/libc.h - functions of the C library that end a call, a thread or the
 * process, and that the library defines for the program that links it
 * (modiso/fault.h, modiso/signal.h): core is asked first (core/door.h,
 * core/jump.h), then the C library's own definition does it.
 *
 * In the shared library alone. A program that is linked statically has one
 * definition of each, the C library's, and there is no next one to go on with:
 * such a program is told so by a capability that is missing, MODISO_CAP_EXITS.
 */
#ifndef MDI_OS_LIBC_H
#define MDI_OS_LIBC_H

#include "base/common.h"
#include "os/misuse.h" /* mdi_abort() */

#include <pthread.h>

/* How a process ends. */
#define MDI_EXIT_ORDERLY 0u /* exit(3) */
#define MDI_EXIT_QUICK   1u /* quick_exit(3) */
#define MDI_EXIT_AT_ONCE 2u /* _exit(2) */

/*
 * The C library's own. Where functions are defined for the program, one that
 * was not found behind them ends the process with a message.
 */
void mdi_libc_must_have(const void *function);
void mdi_libc_exit(int status, unsigned how) __attribute__((noreturn));
int mdi_libc_cancel(pthread_t thread);

/* Are they asked for by way of this library? Not in a static program. */
bool mdi_libc_is_asked(void);

/* The signals that siglongjmp(3) to there blocks. */
uint64_t mdi_libc_jump_mask(const void *jmp_buf);

#endif /* MDI_OS_LIBC_H */
