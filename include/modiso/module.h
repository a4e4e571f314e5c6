/* SPDX-License-Identifier: MIT */
/*
 * modiso/module.h - the isolated unit.
 *
 * A module owns regions and stacks. Threads enter it through gates and leave
 * it by returning, by calling a service, or by a fault.
 */
#ifndef MODISO_MODULE_H
#define MODISO_MODULE_H

#include <modiso/export.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct modiso_module;

/*
 * What a module may do with memory that is in no region: heap, stacks, globals
 * and libraries of the host. With the mprotect backend READONLY and SEALED are
 * for what modiso_options.closed names, and are refused without it.
 */
enum modiso_confinement {
	MODISO_CONFINE_GUARD = 0,    /* read and write: regions are guarded */
	MODISO_CONFINE_READONLY = 1, /* read */
	MODISO_CONFINE_SEALED = 2    /* nothing */
};

/*
 * What becomes of the system calls that module code makes by itself, by
 * whatever instruction, wherever that lies: in the module, in the C library, in
 * this one. Services are host code, and none of this is about their calls.
 *
 * It is a boundary for SEALED and READONLY modules whose code has been scanned
 * (modiso/image.h). A GUARD module can write the host's stack and have the host
 * make its calls: there it stops mistakes.
 *
 * Such a module could jump to instructions of the host's own code that change
 * PKRU or a segment base. So before the first one is made all code of the
 * process is searched for them, and each gets another instruction in its place,
 * until modiso_fini(): pkey_set(3) becomes a trap of some microseconds that the
 * library handles, and ends the process where SIGTRAP is blocked; the dynamic
 * linker's XRSTOR a jump. What cannot be replaced is MODISO_ERR_GADGET. Code
 * that comes later, by dlopen(3) or mmap(2), is searched when the next such
 * module is made; objects of the dynamic linker also before a thread's first
 * call into such a module, which then fails. Until then a module that runs can
 * jump there. Code that is writable is not looked at again. SECURITY has more.
 *
 * The kernel's own means is Syscall User Dispatch, prctl(2); a thread that
 * enters such a module has it until it is detached, and its system calls as
 * host code cost some 50 ns more. The program cannot use it on these threads
 * itself. A signal handler that is installed by a bare rt_sigaction(2) after
 * that, not by the C library's functions, ends the process when it runs on such
 * a thread: modiso_signal_adopt() right after it, before the signal comes, is
 * what helps. A process that host code makes by other means than fork(3), such
 * as a bare fork(2), clone(2) or _Fork(3), is not guarded. A call into such a
 * module while the thread runs a fiber (modiso/fiber.h) is MODISO_ERR_STATE.
 *
 * What becomes of single calls is said in modiso/syscall.h.
 */
enum modiso_syscalls {
	MODISO_SYSCALLS_OPEN = 0, /* they are made, with the module's rights */
	/*
	 * Each is a fault, MODISO_FAULT_SYSCALL. The module is 64-bit code: in
	 * other code its calls are stopped as well, but where a signal handler
	 * of the host interrupts that it is a fault, MODISO_FAULT_ILLEGAL. The
	 * clock and the CPU's number can be had from the vsyscall page all the
	 * same, where the kernel has it (SECURITY). Not together with
	 * MODISO_MODULE_PERMISSIVE.
	 */
	MODISO_SYSCALLS_NONE = 1,
	/*
	 * As NONE, but for what a module that computes needs: the clocks and
	 * sleeping, its thread's and the process's number and CPU, random
	 * bytes, waiting for a word of its own and waking who waits there. The
	 * library makes these calls for it, modiso_syscall_set(): clock_getres,
	 * clock_gettime, clock_nanosleep, futex, getcpu, getpid, getrandom,
	 * gettid, gettimeofday, nanosleep, sched_yield and time.
	 */
	MODISO_SYSCALLS_COMPUTE = 2,
	/*
	 * All are MODISO_SYSCALL_LOG: what would this module need? Those that
	 * the library can make for it are made, others are ENOSYS.
	 */
	MODISO_SYSCALLS_LOG = 3
};

/* Bytes of a module's or a region's name, the final zero included. */
#define MODISO_NAME_SIZE 32

/*
 * modiso_module_options.flags.
 *
 * WALL_TIME counts the time limit by the clock, with all that the thread waits
 * for in module code, and not by the CPU time that it uses.
 *
 * PERMISSIVE: watched, and not stopped. What isolation forbids to the module is
 * counted and let pass: see modiso_permitted_print(). It isolates nothing.
 */
#define MODISO_MODULE_WALL_TIME  (1u << 0)
#define MODISO_MODULE_PERMISSIVE (1u << 1)

/*
 * How a module is to be made. A zeroed structure with struct_size set asks for
 * the defaults. Fields are only ever added at the end.
 */
struct modiso_module_options {
	uint32_t struct_size; /* bytes */
	uint32_t confinement; /* enum modiso_confinement */
	size_t stack_size;    /* bytes for each thread's stack; 0: 64 KiB */
	size_t range_size;    /* address space for regions; 0: 1 GiB */
	void *cookie;         /* for modiso_module_cookie() */
	uint32_t flags;       /* MODISO_MODULE_... */
	uint32_t unused;      /* 0 */
	/*
	 * How long one call may run in the module's own code, in milliseconds;
	 * 0: for ever. Then it is ended with MODISO_ERR_FAULT and a record of
	 * kind MODISO_FAULT_TIMEOUT. See modiso_module_create().
	 */
	uint32_t time_limit_ms;
	uint32_t syscalls; /* enum modiso_syscalls */
	/* Bytes of a thread's mailbox, modiso_mailbox_put(); 0: 64 KiB. */
	size_t mailbox_size;
};
#define MODISO_MODULE_OPTIONS_INIT MODISO_SIZED(modiso_module_options)

/*
 * modiso_module_create - make a module that owns nothing yet.
 * @name:    for reports: 1 to MODISO_NAME_SIZE - 1 bytes; copied.
 * @options: NULL for the defaults.
 * @out:     receives the module; left untouched on failure.
 *
 * Time limits are kept by one thread of the library's, which ticks some five
 * times in the shortest limit: ten times while it finds a thread that is new in
 * a limited module, and twice while no thread of the process runs; then a tick
 * is two system calls and no more. Ticks are 1 to 250 milliseconds apart, less
 * a random part of a quarter, so that no module can foresee one. They do not
 * make a call slower; a thread that a tick finds in a limited module has one
 * call that costs as much as a first one. What counts is the time between two
 * ticks in a row that find a call in its module's own code. Time in services,
 * in handlers of the host and in calls that the host makes meanwhile into other
 * modules does not, as far as ticks see it; a module that spends half of the
 * time there may use its limit twice. Code of the host is never ended: a call
 * that is over its limit is ended when its module's own code runs. So it lasts
 * as long as the limit and at most three quarters as long again, or 9 ms
 * longer, where it calls no services and the library's thread gets the CPU in
 * time. Where module code calls the C library by itself (GUARD), the call is
 * ended when it has come out of there, if that is before as much time again has
 * passed; else in the middle, with whatever lock the C library holds then. A
 * filter that says MODISO_VERDICT_RETRY lets the call go on and have its whole
 * limit again.
 *
 * The thread in the module is interrupted by a signal, SIGFPE, which the
 * library's handler passes on to nobody. It is sent when a module's code runs;
 * when a service begins in the same moment, it can end a system call early
 * there (EINTR) that sigaction(2) never restarts, as poll(2). Module code that
 * makes system calls can block that signal, and so is not held by the limit.
 *
 * Reserves an address range for the module's regions and stacks, and a
 * sixteenth of it each (1 MiB at least) for an image and for code; memory is
 * used only by what is put there.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL   @name is NULL, empty or too long; @out is NULL; an
 *                      option is unknown, or a size wraps when rounded up.
 *   MODISO_ERR_NOTSUP  the backend has no such confinement level, or SEALED,
 *                      on a CPU with registers that this version cannot clear;
 *                      or its system calls cannot be stopped here (see
 *                      MODISO_CAP_SYSCALLS).
 *   MODISO_ERR_GADGET  system calls are to be stopped, and the host's code has
 *                      an instruction that gives rights and cannot be taken
 *                      away, or code that cannot be read; the sentence says
 *                      where, and why.
 *   MODISO_ERR_LIMIT   16383 modules exist, or the program's data is in more
 *                      than 64 pieces (modiso_options.closed).
 *   MODISO_ERR_NOMEM   no memory for bookkeeping.
 *   MODISO_ERR_OS      the kernel refused the reservation (RLIMIT_AS, say),
 *                      or a thread that keeps time limits.
 *   MODISO_ERR_STATE   not initialised, or called from inside a module.
 *
 * Cost:   one system call; with the first time limit a thread is made, which
 *         is there until modiso_fini(). The first guarded module, and one after
 *         code has come, reads all code of the process, several gigabytes a
 *         second.
 * Safety: MT-Safe. AS-Unsafe (takes the library's lock). Fork: safe; in the
 *         child the first call into a module makes that thread again.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_module_create(const char *name,
		     const struct modiso_module_options *options,
		     struct modiso_module **out);

/*
 * modiso_module_destroy - end a module, its regions and its gates.
 * @module: NULL is allowed and does nothing.
 *
 * Regions that were created are unmapped; adopted memory is given back as it
 * was, readable and writable. Gates and their thunks are dead afterwards: a
 * call through one is MODISO_ERR_NOENT.
 *
 * Returns 0, or:
 *   MODISO_ERR_BUSY   a thread is inside the module, or a window is open on
 *                     one of its regions, or one of them is granted to another
 *                     module.
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *   MODISO_ERR_OS     the kernel refused to give adopted memory back or to
 *                     unmap the rest (errno). The module is there still, what
 *                     it had adopted may have been given back; call it again.
 *   MODISO_ERR_NOMEM  the same, for want of memory for bookkeeping.
 *   MODISO_ERR_NOKEY  pkey: the module has made threads, so what it was granted
 *                     together with others must get another protection key
 *                     now, and none is free. It may have lost some of its
 *                     grants; call it again.
 *
 * Cost:   a few system calls, and one for each adopted region; where the module
 *         has made threads, one for each granted one.
 * Safety: MT-Safe, MT-Unsafe with any other use of @module. AS-Unsafe. Fork:
 *         safe.
 * Since:  0.1
 */
MODISO_API int
modiso_module_destroy(struct modiso_module *module);

/*
 * modiso_module_name - the name given at creation.
 * modiso_module_cookie - the pointer given at creation.
 * modiso_module_id - a number that no other module has had in this process.
 *
 * Cost:   none.
 * Safety: MT-Safe. AS-Safe. Fork: safe. Not to be called by module code.
 * Since:  0.1
 */
MODISO_API const char *modiso_module_name(const struct modiso_module *module);
MODISO_API void *modiso_module_cookie(const struct modiso_module *module);
MODISO_API uint64_t modiso_module_id(const struct modiso_module *module);

/*
 * modiso_module_caller - the module on whose behalf a service runs.
 *
 * Returns the module that called the innermost service of this thread, or NULL
 * when this thread is in no service.
 *
 * Cost:   a few instructions.
 * Safety: MT-Safe. AS-Safe. Fork: safe. Not to be called by module code.
 * Since:  0.1
 */
MODISO_API struct modiso_module *modiso_module_caller(void);

#ifdef __cplusplus
}
#endif

#endif /* MODISO_MODULE_H */
