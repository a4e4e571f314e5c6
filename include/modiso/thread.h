/* SPDX-License-Identifier: MIT */
/*
 * modiso/thread.h - what a thread needs before it can enter modules.
 *
 * Both happen by themselves: attach at a thread's first gate call, detach at
 * its exit. Calling them is for threads that want the cost at a known time.
 */
#ifndef MODISO_THREAD_H
#define MODISO_THREAD_H

#include <modiso/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * modiso_thread_attach - make the calling thread ready to enter modules.
 *
 * Gives it state that modules cannot write, an alternate signal stack with a
 * guard page (the thread's own, if it has one, is put back at detach), and
 * with the pkey backend the host's rights. Does nothing the second time.
 *
 * Returns 0, or:
 *   MODISO_ERR_LIMIT  modiso_options.max_threads threads are attached.
 *   MODISO_ERR_NOMEM  no memory for bookkeeping.
 *   MODISO_ERR_OS     the kernel refused mmap, mprotect or sigaltstack (a
 *                     thread that runs on its alternate stack now); errno.
 *   MODISO_ERR_STATE  not initialised, called from inside a module, or one of
 *                     SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS is
 *                     blocked on this thread.
 *
 * Cost:   a few system calls.
 * Safety: MT-Safe. AS-Unsafe. Fork: the child's one thread is attached if its
 *         parent was.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int modiso_thread_attach(void);

/*
 * modiso_thread_detach - give all of that back.
 *
 * Returns 0 (also when the thread is not attached), or:
 *   MODISO_ERR_BUSY   the thread is in a service or has a window open.
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *
 * Cost:   a few system calls.
 * Safety: MT-Safe. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int modiso_thread_detach(void);

#ifdef __cplusplus
}
#endif

#endif /* MODISO_THREAD_H */
