/* SPDX-License-Identifier: MIT */
/*
 * modiso/gate.h - host code calls into a module.
 *
 * A gate names one entry point of one module. A call through it runs the entry
 * on a stack inside the module, with the module's rights, and comes back on
 * the host's stack with the host's rights, whatever the module did: by its
 * return, or by a fault; see modiso/fault.h for exceptions, exit() and the end
 * of the thread.
 *
 * MODISO_TYPED_GATE(3) and modiso.hpp(3) have gates with the entry's type.
 */
#ifndef MODISO_GATE_H
#define MODISO_GATE_H

#include <modiso/export.h>
#include <modiso/module.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct modiso_gate;

/* Any function pointer; cast it to the entry's own type before calling. */
typedef void (MODISO_CALL *modiso_fn)(void);

/* Words that a gate or a service carries in registers. */
#define MODISO_ARGS_MAX 6
/* Words that a gate or a service carries in all, if it is made for so many. */
#define MODISO_WORDS_MAX 16

/* modiso_gate_options.flags */
/*
 * Clear every register that carries no argument, vectors too; and those that a
 * service leaves behind, in all calls of the module (modiso/service.h). The
 * modes of floating point (MXCSR, the x87's control word) are those of a new
 * process.
 */
#define MODISO_GATE_SCRUB (1u << 0)

/*
 * How a gate is to be made. A zeroed structure with struct_size set asks for
 * the defaults. Fields are only ever added at the end.
 */
struct modiso_gate_options {
	uint32_t struct_size;  /* bytes */
	uint32_t flags;        /* MODISO_GATE_* */
	uint32_t word_args;    /* integer and pointer arguments, 0 to 16 */
	uint32_t float_args; /* float and double, 0 to 8; no others are kept */
	uintptr_t fault_value; /* what a thunk returns when the call failed */
};
#define MODISO_GATE_OPTIONS_INIT MODISO_SIZED(modiso_gate_options)

/*
 * modiso_gate_create - name an entry point of a module.
 * @module:  the module that the entry runs in.
 * @entry:   the function, cast to modiso_fn.
 * @options: NULL for the defaults: six word arguments, eight float arguments,
 *           no scrubbing (SEALED modules are always scrubbed), fault_value 0.
 * @out:     receives the gate; left untouched on failure.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL   @module, @entry or @out is NULL; an option is unknown;
 *                      more than 16 word or 8 float arguments.
 *   MODISO_ERR_ACCESS  @entry lies in a region that is not executable, or in
 *                      one of another module.
 *   MODISO_ERR_NOMEM   no memory for bookkeeping.
 *   MODISO_ERR_NOTSUP  MODISO_GATE_SCRUB, on a CPU with registers that this
 *                      version cannot clear; or @entry is host code, and the
 *                      module has thread-local storage of its own.
 *   MODISO_ERR_OS      the kernel refused rt_sigaction; errno says why.
 *   MODISO_ERR_STATE   not initialised, or called from inside a module.
 *
 * Cost:   six system calls, to see whether other code has taken a fault
 *         signal.
 * Safety: MT-Safe. AS-Unsafe (takes the library's lock). Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_gate_create(struct modiso_module *module, modiso_fn entry,
		   const struct modiso_gate_options *options,
		   struct modiso_gate **out);

/*
 * modiso_gate_destroy - end a gate and its thunk.
 * @gate: NULL is allowed and does nothing.
 *
 * A call that is under way through the gate goes on; a later one through its
 * thunk returns the fault value, with MODISO_ERR_NOENT as the status.
 *
 * Returns 0, or:
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *
 * Cost:   no system call.
 * Safety: MT-Safe, MT-Unsafe with another modiso_gate_destroy(@gate).
 *         AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API int modiso_gate_destroy(struct modiso_gate *gate);

/*
 * modiso_gate_call - call into a module.
 * @gate:   the gate.
 * @args:   @count words; NULL when @count is 0. Words beyond @count enter the
 *          module as zero.
 * @count:  0 to MODISO_ARGS_MAX, or to the gate's word_args if that is more.
 * @result: receives what the entry returned; NULL: not wanted; untouched
 *          on failure.
 *
 * May be called from host code, from a service (calls nest) and from a landing.
 * Callee-saved registers, the direction and alignment flags, MXCSR and the x87
 * control word are afterwards as they were before. The signal mask is not
 * touched: what a module does to it by a system call stays.
 *
 * Exceptions of the x87 come late, at the next of its instructions, which may
 * be the gate's. One that the module has left behind is dropped. One that host
 * code has left behind, if it unmasks them, comes when the call returns or the
 * module calls a service, as the host's; but the module's own x87 instructions
 * meet it first, as their fault, and MODISO_GATE_SCRUB clears it.
 *
 * Returns 0, or:
 *   MODISO_ERR_FAULT  the module faulted; modiso_fault_last() has the record.
 *   MODISO_ERR_INVAL  @gate is NULL, @count is too large, or @args is NULL
 *                     and @count is not 0.
 *   MODISO_ERR_NOMEM  this thread's first call into this module, and there is
 *                     no memory for its stack.
 *   MODISO_ERR_LIMIT  calls nest too deeply (64), or too many threads.
 *   MODISO_ERR_NOKEY  pkey: threads are inside of all modules that have a
 *                     protection key, or threads that modules have made may
 *                     have it, and modiso_options.key_wait_ms is over.
 *   MODISO_ERR_OS     the kernel refused an mprotect, mmap, rt_sigprocmask or
 *                     sigaltstack; errno says how, the sentence which limit.
 *   MODISO_ERR_STATE  not initialised; called from inside a module without a
 *                     service in between; one of SIGSEGV, SIGBUS, SIGILL,
 *                     SIGFPE, SIGTRAP, SIGSYS is blocked on this thread
 *                     (modiso/signal.h says how that is seen), or it has an
 *                     area for restartable sequences of its own.
 *
 * Cost:   pkey: tens of instructions, no system call, no lock, for a module
 *         that has a protection key. One that has none, because more modules
 *         are in use than there are keys, takes that of the module idle
 *         longest: one system call for each page protection in either
 *         module (read-write, read-only, executable). mprotect: two
 *         atomic operations when the module is still open, else one system
 *         call for each range that is opened or closed. A thread's first call
 *         into a module allocates a stack.
 * Safety: MT-Safe. AS-Unsafe. Fork: a child forked inside a service leaves
 *         the module by returning, as its parent does.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int modiso_gate_call(struct modiso_gate *gate,
						  const uintptr_t *args,
						  unsigned count,
						  uintptr_t *result);

/*
 * modiso_gate_thunk - the gate as a plain function pointer.
 * @gate: the gate.
 * @out:  receives the pointer; cast it to the entry's own type and call it.
 *
 * Up to six integer or pointer arguments and eight float or double arguments
 * pass in registers, and one integer, pointer, float or double result. More
 * arguments lie on the caller's stack: they pass where word_args is more than
 * six, which says how many; a float or double behind the eighth one is a word
 * there. Where it is not they are lost: the module reads what lies on its own
 * stack. Variable arguments and structures by value do not pass. When the call
 * fails the thunk returns the gate's fault_value (a float result is 0), and
 * modiso_gate_status() says why.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL  @gate or @out is NULL.
 *   MODISO_ERR_LIMIT  all thunks are in use (8192).
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *
 * Cost:   no system call. The thunk itself: as modiso_gate_call().
 * Safety: MT-Safe. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int modiso_gate_thunk(struct modiso_gate *gate,
						   modiso_fn *out);

/*
 * modiso_gate_status - why this thread's last failed thunk call failed.
 *
 * Returns a code of modiso_gate_call() or MODISO_ERR_NOENT, and clears it: 0
 * when no thunk call of this thread has failed since the last time it was
 * asked.
 *
 * Cost:   none.
 * Safety: MT-Safe. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int modiso_gate_status(void);

#ifdef __cplusplus
}
#endif

#endif /* MODISO_GATE_H */
