/* SPDX-License-Identifier: MIT */
/*
 * modiso/init.h - start and end the library.
 *
 * Keys, signal handlers and page tables belong to the process, so does this
 * library: there is no context handle.
 */
#ifndef MODISO_INIT_H
#define MODISO_INIT_H

#include <modiso/export.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Who sees to it that threads do not get in each other's way. EXTERNAL is for
 * hosts that schedule by themselves, as simulators of an RTOS do: the host
 * promises that one thread at a time runs, and a thread may be frozen in a
 * signal handler for as long as the host likes. No thread then waits for
 * another one in this library. See modiso/thread.h for what such a host calls.
 */
enum modiso_exclusion {
	MODISO_EXCLUSION_INTERNAL = 0, /* the library: threads run freely */
	MODISO_EXCLUSION_EXTERNAL = 1  /* the host: one at a time */
};

/*
 * Several parts of a program, such as plug-in hosts that know nothing of each
 * other, use the library at the same time. Each calls modiso_init() with this
 * flag, and modiso_fini() once for each success: the first one starts the
 * library, the last one ends it.
 */
#define MODISO_INIT_SHARED 0x1u
/*
 * Faults are recorded without the module's stack and the bytes of its
 * instruction: frames_end in struct modiso_fault is MODISO_FRAMES_NONE. For
 * programs that make faults by the million, as fuzzers do: to walk the stack is
 * a quarter of what a fault costs.
 */
#define MODISO_INIT_NO_STACKS 0x2u

/*
 * The last calls of gates and services, faults, key misses and waits of each
 * thread are recorded: modiso/record.h. A fault's report shows the last of
 * them; modiso_options.record_path has them written to a file as well.
 */
#define MODISO_INIT_RECORD 0x4u

/*
 * modiso_options.closed: memory in no region that modules of confinement
 * READONLY and SEALED are not to reach, with the mprotect backend. With
 * protection keys all of it is closed anyway, and this changes nothing.
 *
 * DATA is the writable data of the program and of its shared objects (.data,
 * .bss) that are loaded when the last such module is made; not that of the C
 * library and of this one. Page permissions are the process's, so it is closed
 * to all threads while one is in such a module, and one at a time is. A host
 * thread that touches it then interrupts the module. A system call cannot: one
 * of another thread that is to read or write there fails with EFAULT meanwhile,
 * futexes among them (READONLY: those that write). So programs whose threads
 * wait in static variables, or read into them, while modules run should choose
 * READONLY, or leave this alone. No thread may have its stack there, or touch
 * it with the signals of faults blocked, as restartable sequences (rseq(2))
 * must not have their descriptors there. The program must not protect pages of
 * it itself, nor be linked statically.
 *
 * HEAP is what brk(2) has given the program, whatever becomes of it. The
 * library has malloc(3) take all blocks from there, large ones and those of
 * other threads as well (mallopt(3): M_MMAP_MAX 0 and M_ARENA_MAX 1), until the
 * process ends. Where some have been made already that lie elsewhere, or
 * malloc(3) is not the C library's, it does not start. STACKS are those of
 * other threads that are attached, but for the pages of their thread-local
 * variables; the thread that calls has its own. That of a thread that is not
 * attached stays open: it has no signal stack of the library's, so to find its
 * own closed would be the end of the process. Both can be had in addition to
 * DATA, and where one thread runs at a time (MODISO_EXCLUSION_EXTERNAL): with
 * threads that run meanwhile, system calls that answer on a stack or on the
 * heap would fail, so that is refused. What was said of DATA goes for both: who
 * waits while others run must do so in a system call that neither reads nor
 * writes there. So a handler in which a thread is frozen takes the mask for
 * sigsuspend(2) from a mapping, or runs on the signal stack (SA_ONSTACK); and
 * no thread has its stack, or one for its signals, on the heap. Each attached
 * thread is one system call more, to close it, and one to open it; and the
 * kernel's time goes by the pages that are in use.
 *
 * Constants, the C library's data, the library's own, and mappings that the
 * program has made are in no case closed with this backend: what modules must
 * not reach there is to be a region. modiso_audit() tells of all that can be
 * written and is open, but for the C library's data and this one's.
 */
#define MODISO_CLOSED_DATA   0x1u
#define MODISO_CLOSED_HEAP   0x2u
#define MODISO_CLOSED_STACKS 0x4u

/*
 * How the library is to be started. A zeroed structure with struct_size set
 * asks for the defaults. Fields are only ever added at the end.
 */
struct modiso_options {
	uint32_t struct_size; /* bytes: sizeof(struct modiso_options) */
	uint32_t backend;     /* enum modiso_backend; AUTO: see modiso_init() */
	uint32_t require;     /* MODISO_CAP_* bits that must be there */
	uint32_t max_keys;    /* protection keys to take at most; 0: all free */
	uint32_t max_threads; /* threads inside modules at once; 0: 4095 */
	uint32_t flags;       /* MODISO_INIT_* */
	/*
	 * How long a call into a module may wait for a protection key while
	 * threads are inside of all modules that have one: in milliseconds; 0:
	 * not at all, UINT32_MAX: for ever. Then it is MODISO_ERR_NOKEY.
	 */
	uint32_t key_wait_ms;
	uint32_t exclusion;   /* enum modiso_exclusion */
	uint32_t closed;      /* MODISO_CLOSED_* */
	uint32_t unused;
	/*
	 * MODISO_INIT_RECORD, into a file: PATH.PID, which is made anew. At
	 * most 255 bytes; NULL: into no file.
	 */
	const char *record_path;
};
#define MODISO_OPTIONS_INIT MODISO_SIZED(modiso_options)

/*
 * modiso_init - choose a backend, take protection keys and signal handlers.
 * @options: NULL for the defaults.
 *
 * The backend is the one that @options names; else the one that MODISO_BACKEND
 * in the environment names ("pkey", "mprotect" or "auto"; ignored in a
 * set-user-ID program); else the strongest that is usable. Where a backend that
 * was named cannot be had the function fails, and takes no other one.
 *
 * MODISO_OPTIONS in the environment, also ignored in such a program, is a list
 * of these, with colons between them:
 *
 *   report=1       each fault that ends a call is printed, before any landing
 *   map=1          and with a report as text what lies around the address
 *   objdump=1      where the library has no capstone, objdump is started for
 *                  each report, to put the instruction into words: a child
 *                  process, so SIGCHLD comes. report=1 asks for that as well;
 *                  objdump=0 behind it does not
 *   format=FORM    as text (the default), json, sarif or summary
 *   log_path=PATH  into PATH.PID, at its end (sarif: into PATH.PID.NUMBER,
 *                  one for each fault); else on standard error
 *   permissive=1   all modules are MODISO_MODULE_PERMISSIVE; where accesses
 *                  were let pass is printed at the end (format json: as JSON;
 *                  sarif: as SARIF with a result for each place), and with
 *                  report=1 each such place like a fault
 *   known_sites=PATH
 *                  a file with the keys of places that need no line any more;
 *                  what modiso_permitted_print() has printed is one
 *   record=1       as MODISO_INIT_RECORD
 *   record_path=PATH
 *                  as modiso_options.record_path
 *   picture=PATH   what modiso_report_dot() writes: into PATH.PID.dot modules,
 *                  regions, rights and keys as they are when there are most
 *                  modules, just before one of them, the library or the
 *                  program ends; and into PATH.PID.NUMBER.dot as they are at
 *                  each fault that ends a call
 *   backend=NAME   as MODISO_BACKEND, which counts if both are there
 *
 * Takes over SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP and SIGSYS. A signal
 * that is none of a module's goes on to the handler that was there before,
 * with its siginfo, or to the default action. Call it early, before the
 * program makes threads and before other code takes protection keys; a thread
 * that was there earlier can enter modules all the same.
 *
 * MODISO_INIT_SHARED: where the library runs already, started with this flag as
 * well, the call counts one user more, if what it asks for is what there is:
 * the backend that runs, or AUTO; capabilities that it has; the same max_keys,
 * max_threads, key_wait_ms and exclusion. Filters and landings for all modules
 * and the misuse handler are the process's: who shares should set them for
 * modules of his own.
 *
 * MODISO_INIT_RECORD: the child of a fork goes on without the file.
 *
 * MODISO_INIT_NO_STACKS: who shares a library that was started with it, and has
 * not asked for it, is refused.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL   struct_size is 0 or too small, an unknown backend,
 *                      capability, exclusion or flag, options.closed without
 *                      MODISO_CLOSED_DATA, or MODISO_BACKEND or
 *                      MODISO_OPTIONS is misspelled, or the path of the
 *                      recorder is empty or too long.
 *   MODISO_ERR_NOTSUP  the backend or a required capability cannot be had
 *                      here; modiso_last_error_text() says why. Or the
 *                      program runs with a user shadow stack, or asks for
 *                      options.closed with a sanitizer's run-time library or
 *                      linked statically, or for HEAP or STACKS with internal
 *                      exclusion, or for HEAP where blocks of malloc(3) lie
 *                      elsewhere.
 *   MODISO_ERR_LIMIT   options.closed: the program's data is in more than 64
 *                      pieces.
 *   MODISO_ERR_NOKEY   the pkey backend was asked for and fewer keys are free
 *                      than it needs.
 *   MODISO_ERR_STATE   already initialised, by this copy of the library or by
 *                      another one in the process, and not shared, or with
 *                      other options: modiso_last_error_text() says which. Or
 *                      the calling code runs inside a module.
 *   MODISO_ERR_NOMEM   no memory for bookkeeping.
 *   MODISO_ERR_OS      the kernel refused a call, or the file of known_sites
 *                      cannot be read, or that of the recorder not made; errno
 *                      says how.
 *
 * Cost:   some milliseconds (it probes the kernel in a forked child).
 * Safety: MT-Safe: of several threads one starts the library, the others wait
 *         for that. AS-Unsafe. Fork: the child has a working library with one
 *         thread, outside of any module, and as many users.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_init(const struct modiso_options *options);

/*
 * modiso_fini - give back keys, handlers and memory.
 *
 * Where the library is shared (MODISO_INIT_SHARED) and others still use it, one
 * user less is counted, and nothing else happens: what the caller has made, it
 * destroys before.
 *
 * Signal handlers that were there before modiso_init() are put back, unless
 * somebody has replaced the library's own meanwhile. Protection keys that a
 * thread may have which a module has made (modiso/thread.h) are not given back
 * before a later modiso_init() or modiso_fini() of a process with one thread.
 *
 * Returns 0, or:
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *   MODISO_ERR_BUSY   a module, region or service still exists, or another
 *                     thread that has entered modules still runs and has not
 *                     called modiso_thread_detach(); or code was sealed that
 *                     the library has changed (modiso_code_seal()). The
 *                     sentence names them.
 *   MODISO_ERR_OS     the kernel would not take the keys off the library's
 *                     memory (errno); the library runs on.
 *
 * Cost:   some system calls for each thread that has entered a module.
 * Safety: MT-Unsafe: no other thread may be in the library, but for those that
 *         call modiso_init() or modiso_fini(), or fork(2). AS-Unsafe. Fork:
 *         safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int modiso_fini(void);

#ifdef __cplusplus
}
#endif

#endif /* MODISO_INIT_H */
