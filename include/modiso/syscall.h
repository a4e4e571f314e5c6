/* SPDX-License-Identifier: MIT */
/*
 * modiso/syscall.h - what becomes of a guarded module's system calls, one by
 * one.
 *
 * A module is guarded from its making on, by modiso_module_options.syscalls,
 * which says what becomes of all calls that nothing else is said of. Here it is
 * said of one, by its number in the table of an architecture: AUDIT_ARCH_X86_64
 * or AUDIT_ARCH_I386 of <linux/audit.h>, 0 is the first of them. A number of
 * x32 is one of x86-64 with bit 30 set. Whatever the instruction was, and
 * wherever it lies, what counts is what the kernel says that was asked of it.
 *
 * What the library makes for a module (ALLOW, LOG) it makes with the host's
 * rights, after it has looked at each pointer: bytes that the kernel reads are
 * copied out of the module's regions once, and what it writes is copied back;
 * what lies in no region that the module may use so is EFAULT. At most 4096
 * bytes go with one call: read(2), write(2) and getrandom(2) of more do less
 * than they were asked for, poll(2) of more is EINVAL. Of futex(2) there are
 * FUTEX_WAIT, _WAKE and their _BITSET forms, each PRIVATE; others are ENOSYS.
 * File descriptors are the process's: who allows read, write or close allows
 * them for all that the host has open.
 *
 * The calls that can be allowed: clock_getres, clock_gettime, clock_nanosleep,
 * close, fdatasync, fstat, fsync, futex, getcpu, getegid, geteuid, getgid,
 * getpid, getppid, getrandom, gettid, gettimeofday, getuid, lseek, nanosleep,
 * poll, pread64, pwrite64, read, sched_yield, time, uname and write, of x86-64.
 */
#ifndef MODISO_SYSCALL_H
#define MODISO_SYSCALL_H

#include <modiso/export.h>
#include <modiso/gate.h>
#include <modiso/module.h>

#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * In the place of an architecture: what the C library in a module (modiso-cc
 * --libc) asks for by modiso_syscall_function(), with the numbers of x86-64. No
 * instruction enters the kernel there, and the module need not be guarded; it
 * gets an error (ERRNO), the library makes the call (ALLOW), or a function of
 * the host's does it. Where nothing is said: mmap and munmap take memory from
 * the module's heap, with MAP_UNINITIALIZED as it is, write to descriptors 1
 * and 2 is text for modiso_syscall_output(), of the calls above clock_getres,
 * clock_gettime, clock_nanosleep, futex, getcpu, getpid, getrandom, gettid,
 * gettimeofday, nanosleep, sched_yield and time are made, files can be read
 * where modiso_syscall_files() says so, and all others are ENOSYS.
 */
#define MODISO_ARCH_LIBC 1u

enum modiso_syscall_action {
	MODISO_SYSCALL_DENY = 0,  /* a fault, MODISO_FAULT_SYSCALL */
	MODISO_SYSCALL_ERRNO = 1, /* nothing is done, it gets an error */
	MODISO_SYSCALL_ALLOW = 2, /* the library makes it */
	/*
	 * For porting: as ALLOW where that can be, else ENOSYS; never more. For
	 * modiso_syscall_print() it is noted where it came from.
	 */
	MODISO_SYSCALL_LOG = 3
};

/* A call that a module has asked for. Its arguments are the module's words. */
struct modiso_syscall {
	uint32_t struct_size; /* bytes, set by the library */
	uint32_t number;
	uint32_t arch; /* AUDIT_ARCH_* */
	uint32_t unused;
	uintptr_t args[6];
	uintptr_t pc; /* behind the instruction */
	struct modiso_module *module;
};

/*
 * modiso_syscall_fn - does what a module has asked the kernel for.
 * @call: what that is; gone when the function returns.
 * @arg:  as given to modiso_syscall_callback().
 *
 * Runs on the thread that called, with host rights and the signal mask of the
 * call, outside of the module: it may do what a service may, gate calls
 * included. It runs on a stack of the library's of 48 KiB; three such calls can
 * be under way on a thread at a time. For MODISO_ARCH_LIBC it is called by a
 * service, on the host's stack. Addresses in @call are a module's and not to be
 * trusted: modiso_copy_in() and modiso_copy_out() read and write there.
 *
 * Returns what the kernel would: a result, or an error of <errno.h> as a
 * negative number. The module goes on with it.
 */
typedef intptr_t (*modiso_syscall_fn)(const struct modiso_syscall *call,
				      void *arg);

/*
 * modiso_syscall_set - what becomes of one call.
 * @module: one that is guarded; any for MODISO_ARCH_LIBC.
 * @arch:   AUDIT_ARCH_* or MODISO_ARCH_LIBC; 0: AUDIT_ARCH_X86_64.
 * @number: of that architecture's table.
 * @action: enum modiso_syscall_action.
 * @error:  ERRNO: of <errno.h>, 1 to 4095. Else 0.
 *
 * What was said of the call before holds no more.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL   @module is NULL, @arch is none of these, @number is in
 *                      no table (1024 or more, x32's bit left out), @action is
 *                      unknown, or @error does not go with it.
 *   MODISO_ERR_NOTSUP  the library cannot make this call for a module; the
 *                      sentence says why. Most keep an address or make a
 *                      thread. Or DENY or LOG for MODISO_ARCH_LIBC.
 *   MODISO_ERR_BUSY    a thread is inside the module.
 *   MODISO_ERR_NOMEM   no memory for bookkeeping.
 *   MODISO_ERR_STATE   the module is not guarded; or not initialised, or called
 *                      from inside a module.
 *
 * Cost:   none. A call that is answered with an error costs the module about
 *         what a fault does, one that is made somewhat more than twice that.
 * Safety: MT-Safe, MT-Unsafe with calls into @module. AS-Unsafe (takes the
 *         library's lock). Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_syscall_set(struct modiso_module *module, uint32_t arch,
		   uint32_t number, uint32_t action, int error);

/*
 * modiso_syscall_callback - a function of the host's does it.
 * @module:   one that is guarded; any for MODISO_ARCH_LIBC.
 * @arch:     AUDIT_ARCH_* or MODISO_ARCH_LIBC; 0: AUDIT_ARCH_X86_64.
 * @number:   of that architecture's table.
 * @callback: not NULL.
 * @arg:      handed to it.
 *
 * Returns 0, or a code of modiso_syscall_set(); every call can be answered so.
 *
 * Cost, Safety: as modiso_syscall_set().
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_syscall_callback(struct modiso_module *module, uint32_t arch,
			uint32_t number, modiso_syscall_fn callback,
			void *arg);

/*
 * modiso_syscall_function - what is to be made a service for the C library in
 * a module.
 *
 * modiso_service_create() makes it one, and the image of a module that was
 * linked with modiso-cc --libc imports it as "modiso_syscall". What becomes of
 * each call is the calling module's policy for MODISO_ARCH_LIBC. The sixth
 * argument of a call is not passed on: 0.
 *
 * Returns the function.
 *
 * Cost:   none; a call costs a service call, and what the kernel does.
 * Safety: MT-Safe. AS-Safe. Fork: safe. Not to be called by module code.
 * Since:  0.1
 */
MODISO_API modiso_fn modiso_syscall_function(void);

/*
 * modiso_text_fn - hears what a module's C library writes.
 * @module: whose.
 * @stream: 1 is standard output, 2 standard error.
 * @text:   a line with its end, or a part of one; whatever the module likes.
 * @length: bytes of it, 1 to 1024. No zero follows.
 * @arg:    as given to modiso_syscall_output().
 *
 * Runs as a service does, on the thread that writes; of several threads in the
 * module at the same time.
 */
typedef void (*modiso_text_fn)(struct modiso_module *module, int stream,
			       const char *text, size_t length, void *arg);

/*
 * modiso_syscall_output - who hears it.
 * @module: the module.
 * @text:   NULL: nobody, as without this function; the module goes on.
 * @arg:    handed to it.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL  @module is NULL.
 *   MODISO_ERR_BUSY   a thread is inside the module.
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *
 * Cost:   none.
 * Safety: MT-Safe, MT-Unsafe with calls into @module. AS-Unsafe (takes the
 *         library's lock). Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_syscall_output(struct modiso_module *module, modiso_text_fn text,
		      void *arg);

/* Files that a module can have open at a time, at most. */
#define MODISO_FILES_MAX 1024u

/*
 * modiso_syscall_files - files below a directory, to be read.
 * @module:    whose C library (MODISO_ARCH_LIBC) gets them.
 * @directory: a path of the host's. NULL: none, as without this function.
 * @count:     how many it may have open at a time, 1 to MODISO_FILES_MAX; with
 *             NULL it does not matter.
 *
 * Where no rule says anything else, open(2) and openat(2) open regular files to
 * be read, by paths that begin in @directory. Nothing that a path goes by may
 * be outside: ".." and symbolic links that lead out, absolute paths, and magic
 * links of /proc get an error, whoever renames what meanwhile (openat2(2),
 * RESOLVE_BENEATH). What is mounted below is inside. A wish to write is EROFS,
 * a file that is not regular, which is not opened even for a moment, or that
 * /proc has EACCES, one too many EMFILE.
 * stat(2), lstat(2) and newfstatat(2) tell of what such a path leads to.
 *
 * What was opened has numbers of the module's, from 3 on: read, pread64, lseek,
 * fstat and close take these and no descriptor of the process. A read takes
 * 4096 bytes at most. They are closed when the module ends, and by another call
 * of this function. The kernel opens a file if it would for the host.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL   @module is NULL, or @count is out of range.
 *   MODISO_ERR_BUSY    a thread is inside the module.
 *   MODISO_ERR_NOTSUP  the kernel has no openat2(2): Linux before 5.6, and
 *                      Windows.
 *   MODISO_ERR_NOMEM   no memory for bookkeeping.
 *   MODISO_ERR_OS      @directory cannot be opened; errno says why.
 *   MODISO_ERR_STATE   not initialised, or called from inside a module.
 *
 * What was there before stays after an error.
 *
 * Cost:   opens the directory, which takes a descriptor; each open file takes
 *         one. A call of the module costs a service call and the kernel's, an
 *         open(2) that of looking at the path first and five small ones more.
 * Safety: MT-Safe, MT-Unsafe with calls into @module. AS-Unsafe (takes the
 *         library's lock). Fork: safe; descriptors are shared, and close on
 *         exec.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_syscall_files(struct modiso_module *module, const char *directory,
		     uint32_t count);

/*
 * modiso_syscall_print - what was logged of a module's system calls.
 * @module: whose.
 * @stream: where to.
 *
 * For each instruction that has made such a call a line: how often, the first
 * one with its arguments, what the module got, and where the instruction is.
 * Lines that begin with '#' are for people. 256 instructions are told apart.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL  an argument is NULL.
 *   MODISO_ERR_OS     the stream reports an error; errno says which.
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *
 * Cost:   looks up symbols.
 * Safety: MT-Safe. AS-Unsafe (takes the library's lock). Fork: safe.
 * Since:  0.1
 */
MODISO_API int
modiso_syscall_print(struct modiso_module *module, FILE *stream);

/*
 * modiso_syscall_number - a call's number by its name.
 * @arch:   AUDIT_ARCH_* or MODISO_ARCH_LIBC; 0: AUDIT_ARCH_X86_64.
 * @name:   "openat", say.
 * @number: receives it; left untouched on failure.
 *
 * Names are those of libseccomp (Debian: libseccomp2), which is loaded when the
 * first one is asked for, and only then. Reports have them too, if it is there.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL   an argument is NULL, or @arch is none of these.
 *   MODISO_ERR_NOENT   no call of that architecture has this name.
 *   MODISO_ERR_NOTSUP  libseccomp is not there, or was not when this library
 *                      was built.
 *   MODISO_ERR_STATE   not initialised, or called from inside a module.
 *
 * Cost:   a look into tables; the first time a library is loaded.
 * Safety: MT-Safe. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_syscall_number(uint32_t arch, const char *name, uint32_t *number);

#ifdef __cplusplus
}
#endif

#endif /* MODISO_SYSCALL_H */
