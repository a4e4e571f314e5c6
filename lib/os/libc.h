/* SPDX-License-Identifier: MIT */
/*
 * os/libc.h - functions of the C library that end a call, a thread or the
 * process, and that the library defines for the program that links it
 * (modiso/fault.h, modiso/signal.h): core is asked first, then the C library's
 * own definition does it.
 *
 * In the shared library alone. A program that is linked statically has one
 * definition of each, the C library's, and there is no next one to go on with.
 */
#ifndef MDI_OS_LIBC_H
#define MDI_OS_LIBC_H

#include "base/common.h"
#include "base/misuse.h" /* mdi_abort() */

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

/*
 * Asked first: core/door.c, core/handler.c. What returns lets the C library
 * go on. Called by host code and module code alike.
 */
void mdi_libc_before_exit(int status, unsigned how);
bool mdi_libc_is_module(void); /* the caller */
void mdi_libc_before_abort(void);
void mdi_libc_before_thread(void);
/* True: from a signal stack that the C library's own check does not know. */
bool mdi_libc_before_jump(const void *jmp_buf);
void mdi_libc_before_cancel(void);

#endif /* MDI_OS_LIBC_H */
