/* SPDX-License-Identifier: MIT */
/*
 * modiso/fiber.h - hosts that switch stacks while modules wait.
 *
 * A simulator whose device models call wait(), a service, and which goes on
 * with another model's stack meanwhile: with swapcontext(3), QuickThreads,
 * Boost.Context, C++ coroutines or code of its own. A thread's calls into
 * modules are a stack; those of such a host are one for each of its stacks. A
 * fiber is that: calls under way, and module stacks for them.
 *
 *     modiso_fiber_switch(next);                   the library goes on as next
 *     swapcontext(&self_context, &next_context);   and so does the host
 *
 * Each thread begins as itself, which is a fiber as well: NULL. Between the two
 * lines the host calls no gate, no service and nothing else of the library. A
 * fiber that is switched away may be switched to by any thread; that its
 * registers have been saved by then is the host's care, as without the library.
 *
 * What holds for a thread holds for a fiber: nesting, faults and their records,
 * exceptions, time in services, modiso_thread_self() and what is done by that
 * handle; the thread's own stands for the fiber that it runs. What is asked of
 * a thread that is frozen in host code (modiso_thread_abandon) holds for its
 * next call outside of modules, whichever fiber makes it. A module that a fiber
 * has called, and waits in a service of, is entered: it cannot be destroyed,
 * and with the pkey backend it keeps its protection key. Windows are open for a
 * thread: a fiber with one open does not switch.
 *
 * A host that switches and does not tell is found out when a service returns
 * out of order: the process ends with a sentence (modiso_set_misuse_handler).
 */
#ifndef MODISO_FIBER_H
#define MODISO_FIBER_H

#include <modiso/export.h>

#ifdef __cplusplus
extern "C" {
#endif

struct modiso_fiber;

/*
 * modiso_fiber_create - calls under way: none, on no thread.
 * @out: receives the fiber; left untouched on failure.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL  @out is NULL.
 *   MODISO_ERR_LIMIT  threads and fibers together are 4095.
 *   MODISO_ERR_OS     the kernel refused mprotect; errno.
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *
 * Cost:   a few system calls, and some 20 KiB of memory when it is used.
 * Safety: MT-Safe. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int modiso_fiber_create(struct modiso_fiber **out);

/*
 * modiso_fiber_destroy - the fiber ends, and with it the calls that it is in.
 *
 * Its stack must not run again. Functions of modules that were under way do not
 * clean up, as when a thread is taken out of them (modiso_thread_abandon()).
 *
 * Returns 0, or:
 *   MODISO_ERR_BUSY   a thread runs it.
 *   MODISO_ERR_INVAL  @fiber is NULL.
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *
 * Cost:   no system call.
 * Safety: MT-Safe. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API int
modiso_fiber_destroy(struct modiso_fiber *fiber);

/*
 * modiso_fiber_switch - the calling thread goes on as another fiber.
 * @to: one that no thread runs; NULL: the thread itself.
 *
 * Right before the host's own switch of stacks. The thread is attached if it
 * was not.
 *
 * Returns 0, or, and nothing has changed:
 *   MODISO_ERR_BUSY   another thread runs @to, or this one has a window open.
 *   MODISO_ERR_STATE  not initialised, called from inside a module, or by a
 *                     signal handler that interrupted one.
 * Or what modiso_thread_attach() returns.
 *
 * Cost:   no system call, some 55 instructions, one of them locked.
 * Safety: MT-Safe. AS-Unsafe. Fork: the child has the fibers that no thread
 *         ran, and the one of the thread that forked.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int modiso_fiber_switch(struct modiso_fiber *to);

#ifdef __cplusplus
}
#endif

#endif /* MODISO_FIBER_H */
