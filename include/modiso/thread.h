/* SPDX-License-Identifier: MIT */
/*
 * modiso/thread.h - threads that enter modules, and hosts that schedule them.
 *
 * Attach and detach happen by themselves: at a thread's first gate call, at
 * its exit. Calling them is for threads that want the cost at a known time.
 *
 * A host that schedules by itself (a simulator of an RTOS) starts the library
 * with MODISO_EXCLUSION_EXTERNAL. It freezes a thread by a signal whose handler
 * waits, in a module or anywhere else; the handler is installed with
 * sigaction() or signal(), with or without SA_ONSTACK. A signal that comes
 * while the thread holds a lock of the library is delivered when it has let go,
 * so the host waits until the handler says that it runs.
 * Then it calls modiso_thread_preempt() from another thread, lets others run,
 * one at a time, calls modiso_thread_resume(), and lets the handler return.
 *
 * Windows has no signals: there the host stops a thread by SuspendThread(), has
 * GetThreadContext() wait until it stands, and calls modiso_thread_preempt(),
 * which says when it stands in the middle of the library and has to go on for a
 * moment. What else a thread can hold when it is stopped anywhere, the lock of
 * the C library's heap for one, is the host's to keep out of its scheduler.
 *
 * A thread that module code makes is not attached. With the pkey backend it
 * has the rights that its maker had, for as long as it lives; it cannot be
 * attached, and its first fault ends it, or the process when its module has
 * ended. No other module gets a protection key that it has, until each thread
 * of the process is known again: attached, the main one, or the one that calls
 * the library. To hear of such threads the library defines pthread_create() and
 * thrd_create() for the program that links it as a shared library.
 */
#ifndef MODISO_THREAD_H
#define MODISO_THREAD_H

#include <modiso/export.h>
#include <modiso/gate.h>

#include <stdint.h>

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
 *   MODISO_ERR_OS     the kernel refused mmap, mprotect, rt_sigprocmask,
 *                     sigaltstack or rseq; errno.
 *   MODISO_ERR_STATE  not initialised, called from inside a module, one of
 *                     SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS is
 *                     blocked on this thread, it has registered an area for
 *                     restartable sequences itself (rseq(2); the C library's
 *                     is taken back, until it detaches), or it runs on an
 *                     alternate stack of its own in a handler that was not
 *                     installed by sigaction(3) or modiso_signal_adopt().
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

/* A thread that is attached, until it detaches or ends. */
struct modiso_thread;

/*
 * modiso_thread_self - the calling thread; attached, if it was not.
 * @out: receives the handle; left untouched on failure.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL  @out is NULL.
 *   MODISO_ERR_LIMIT, MODISO_ERR_NOMEM, MODISO_ERR_OS, MODISO_ERR_STATE
 *                     as for modiso_thread_attach().
 *
 * Cost:   as modiso_thread_attach(), once.
 * Safety: MT-Safe. AS-Unsafe. Fork: as modiso_thread_attach().
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_thread_self(struct modiso_thread **out);

/*
 * modiso_thread_preempt - a frozen thread stands aside, others may run.
 * modiso_thread_resume - a frozen thread is the next to go on.
 * @thread: frozen in a signal handler, at any instruction, inside a module or
 *          outside; on Windows suspended. Called by another thread, which is
 *          not in a module.
 *
 * Between the two other threads run, one at a time; they enter and leave
 * modules, and are frozen in turn. What the calling thread and the handlers
 * touch of guarded regions is opened for them as for any host code.
 *
 * With the mprotect backend a thread that enters a module while another one is
 * in a module and not frozen is a mistake of the host: the process ends with a
 * message. For one that touches a guarded region then, as a timer's thread may,
 * the other stands aside for a moment.
 *
 * Return 0, or:
 *   MODISO_ERR_BUSY   Windows, from preempt: @thread is in the middle of the
 *                     library, or of the system's code (ntdll.dll) that leads
 *                     to it, outside of a system call. Nothing has happened;
 *                     resume it by ResumeThread(), and suspend it again.
 *   MODISO_ERR_INVAL  @thread is NULL.
 *   MODISO_ERR_NOENT  @thread is not attached, or no more.
 *   MODISO_ERR_OS     mprotect: a region of the host or of an open window
 *                     could not be opened again; errno says how.
 *   MODISO_ERR_STATE  not initialised, called from inside a module, or the
 *                     library was not started with MODISO_EXCLUSION_EXTERNAL.
 *
 * Cost:   pkey: no system call. mprotect: none for preempt, on Windows three
 *         that look where the thread stands; one switch between resume and the
 *         thread's next instruction, if something else ran in between.
 * Safety: MT-Safe. AS-Safe. Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_thread_preempt(struct modiso_thread *thread);
MODISO_API MODISO_MUST_CHECK int
modiso_thread_resume(struct modiso_thread *thread);

/*
 * modiso_ended_fn - a thread that modiso_thread_enter() started has ended.
 * @status: 0, or a code of modiso_gate_call().
 * @result: what the entry returned, when @status is 0.
 * @arg:    as given to modiso_thread_enter().
 *
 * Runs on the host's stack with host rights. When it returns the thread ends.
 */
typedef void (*modiso_ended_fn)(int status, uintptr_t result, void *arg);

/*
 * modiso_thread_enter - go on in a module, and end there.
 * @gate:  the entry.
 * @args:  @count words; NULL when @count is 0.
 * @count: 0 to MODISO_ARGS_MAX, or to the gate's word_args if that is more.
 * @ended: told when the entry has returned, faulted or was abandoned; NULL:
 *         nobody is.
 * @arg:   handed to it.
 *
 * For threads whose function is a module's: a task of an RTOS. Does not return
 * once the call is under way: then the thread ends, as by pthread_exit(3).
 *
 * Returns:
 *   MODISO_ERR_INVAL  @gate is NULL, @count is too large, or @args is NULL
 *                     and @count is not 0.
 *   MODISO_ERR_STATE  not initialised, or the thread is in a module already.
 *
 * Cost:   as modiso_gate_call().
 * Safety: MT-Safe. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_thread_enter(struct modiso_gate *gate, const uintptr_t *args,
		    unsigned count, modiso_ended_fn ended, void *arg);

/*
 * modiso_abandoned_fn - a thread is out of its modules, or was not let in.
 * @arg: as given to modiso_thread_abandon().
 *
 * Runs on that thread, on the host's stack with host rights. It may end the
 * thread, or longjmp(3) to where the host's code is; when it returns, the
 * outermost gate call returns MODISO_ERR_ABANDONED.
 */
typedef void (*modiso_abandoned_fn)(void *arg);

/*
 * modiso_thread_abandon - take a thread out of all its modules, for good.
 * @thread:  frozen in a signal handler, at any instruction. In a module or in a
 *           service it is taken out when the handler returns; one that is
 *           suspended, on Windows, when it goes on. In host code, its next gate
 *           call does not begin: see below. Or the calling thread, in a
 *           service: then the function does not return.
 * @landing: told then; NULL: nobody is.
 * @arg:     handed to it.
 *
 * What a scheduler needs to end a task: pthread_cancel(3) would walk through
 * the module's frames. Services that the thread was in do not go on: locks of
 * the host that they hold stay held, windows that they opened stay open. A call
 * that ends by itself before the handler runs is not abandoned.
 *
 * A thread that is frozen in host code may be on its way into a module. So the
 * next gate call that it makes outside of modules returns MODISO_ERR_ABANDONED,
 * tells @landing, and runs nothing of the module; the call after that one is
 * like any other. This holds for a thread that had just come out as well. A
 * host that gives such a thread other work instead of ending it has the thread
 * call this function for itself first, outside of modules: that answers
 * MODISO_ERR_NOENT, and what was asked for is over. Detaching ends it too.
 *
 * Returns 0, or:
 *   MODISO_ERR_BUSY   Windows: as modiso_thread_preempt().
 *   MODISO_ERR_INVAL  @thread is NULL.
 *   MODISO_ERR_NOENT  @thread is not attached, or is the calling thread and in
 *                     no module, or is a fiber that no thread runs.
 *   MODISO_ERR_OS     Windows: its registers could not be had; errno.
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *
 * Cost:   no system call.
 * Safety: MT-Safe when @thread is frozen or the caller. AS-Safe for another
 *         thread. Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_thread_abandon(struct modiso_thread *thread,
		      modiso_abandoned_fn landing, void *arg);

#ifdef __cplusplus
}
#endif

#endif /* MODISO_THREAD_H */
