/* SPDX-License-Identifier: MIT */
/*
 * modiso/fault.h - a module touched what it may not, or crashed otherwise.
 *
 * A fault ends the module's call: modiso_gate_call() returns MODISO_ERR_FAULT.
 * Before that the filter is told, in the signal handler, and may decide
 * otherwise; then the landing is told, as ordinary code on the host's stack.
 * What a filter answers is a verdict, END, RETRY or PASS (enum modiso_verdict).
 *
 * What else ends a call, where module and host share one C library (GUARD):
 *
 *   an exception that nothing in the module catches
 *     A fault, MODISO_FAULT_EXCEPTION. The module's own destructors have run,
 *     with its rights; the exception does not reach the host. PASS aborts.
 *   exit(), quick_exit(), _exit(), _Exit()
 *     A fault, MODISO_FAULT_EXIT; modiso_fault.code is the status. PASS does
 *     what was asked for, with host rights on the host's stack: atexit()
 *     functions are the host's. The system call exit_group(2) ends the process
 *     as ever.
 *   abort(), a failed assert(), a smashed stack, std::terminate()
 *     A fault, MODISO_FAULT_ABORT. PASS aborts where the module stands.
 *   longjmp(), siglongjmp() to where the host has called setjmp()
 *     A fault, MODISO_FAULT_JUMP. Jumps inside the module are its own. Host
 *     code may jump over a module, out of a service or a signal handler: the
 *     module's call is then over, also when the handler came in the middle of
 *     a gate. Ways to jump that the C library does not see
 *     (setcontext(), compilers' own) must not lead out: the next fault of the
 *     host code that then runs as the module ends the process, with a message.
 *   pthread_exit(), pthread_cancel() of the thread
 *     No fault: the thread ends. The module's clean-up handlers run with its
 *     rights, then its call is given up, then the host's handlers run with
 *     the host's, on its stack, and the thread's result is what it was to be.
 *
 * For all of this the library defines exit(), quick_exit(), _exit(), _Exit(),
 * abort(), __assert_fail(), __stack_chk_fail(), longjmp(), _longjmp(),
 * siglongjmp(), __longjmp_chk() and pthread_cancel() for the program that links
 * it as a shared library, and hands host code's calls on to the C library; and
 * so it does with pthread_create() and thrd_create() (modiso/thread.h).
 */
#ifndef MODISO_FAULT_H
#define MODISO_FAULT_H

#include <modiso/export.h>
#include <modiso/module.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum modiso_fault_kind {
	MODISO_FAULT_NONE = 0,
	MODISO_FAULT_ACCESS = 1,     /* its rights do not allow it */
	MODISO_FAULT_STACK = 2,      /* ran off the end of its stack */
	MODISO_FAULT_UNMAPPED = 3,   /* nothing is mapped there */
	MODISO_FAULT_BUS = 4,        /* no bytes there: a truncated file, say */
	MODISO_FAULT_ILLEGAL = 5,    /* SIGILL: no such instruction */
	MODISO_FAULT_ARITHMETIC = 6, /* SIGFPE: division by zero, say */
	MODISO_FAULT_TRAP = 7,       /* SIGTRAP: a breakpoint instruction */
	MODISO_FAULT_PRIVILEGED = 8, /* general protection: hlt, bad address */
	MODISO_FAULT_SYSCALL = 9,    /* a system call that it may not make */
	MODISO_FAULT_SERVICE = 10,   /* a service that it may not call */
	MODISO_FAULT_GATE = 11,      /* returned with a damaged stack */
	MODISO_FAULT_EXCEPTION = 12, /* a C++ exception that it did not catch */
	MODISO_FAULT_EXIT = 13,      /* exit(), quick_exit() or _exit() */
	MODISO_FAULT_ABORT = 14,     /* it called abort(): assert(), say */
	MODISO_FAULT_JUMP = 15,      /* longjmp() to the host's stack */
	MODISO_FAULT_TIMEOUT = 16    /* it ran longer than it may */
};

/* Did the access run off the end of a region that the module may use? */
enum modiso_overrun {
	MODISO_OVERRUN_NONE = 0,
	MODISO_OVERRUN_PAST = 1,  /* past the end of modiso_fault.below */
	MODISO_OVERRUN_BEFORE = 2 /* before the beginning of .above */
};

/* A region near the address; length 0: there is none within 1 MiB. */
struct modiso_fault_beside {
	uintptr_t base;
	size_t length;
	size_t distance; /* below: from its end on, 0 is the byte right behind
			    it; above: to its first byte */
	uint64_t owner_id; /* 0: the host */
	char name[MODISO_NAME_SIZE];
	char owner_name[MODISO_NAME_SIZE];
};

/* Why modiso_fault.frames has no more of them. */
enum modiso_frames_end {
	MODISO_FRAMES_NONE = 0,   /* none was looked for: in a filter, say, or
				     with MODISO_INIT_NO_STACKS */
	MODISO_FRAMES_GATE = 1,   /* all are there: next comes the gate */
	MODISO_FRAMES_LIMIT = 2,  /* MODISO_FAULT_FRAMES are there */
	MODISO_FRAMES_NO_INFO = 3, /* the last one's code has no call-frame
				      information (.eh_frame) */
	MODISO_FRAMES_DAMAGED = 4, /* it has, and it makes no sense */
	MODISO_FRAMES_STACK = 5, /* the stack is broken: it leads to where the
				    module may not read, or does not go up */
	MODISO_FRAMES_LOST = 6,  /* a register is needed that was not kept */
	MODISO_FRAMES_OUTERMOST = 7 /* the first function of a thread that the
				       module has made */
};

#define MODISO_FAULT_FRAMES 32
#define MODISO_FAULT_CALLS  8

/*
 * A gate that the thread was in: the module that it leads into. For all but
 * the innermost, and for that one where its service has ended the call: how the
 * thread got out of that module again, by a service, or because a signal
 * handler of the host has interrupted it. What the gate was called with is not
 * known any more: its words are passed in registers, where the module has long
 * put others, and a copy would make each call longer. What the innermost
 * service was called with is in modiso_fault.syscall_args.
 */
struct modiso_fault_call {
	uint64_t module_id;
	char module_name[MODISO_NAME_SIZE];
	char service_name[MODISO_NAME_SIZE]; /* "": none; a handler */
	uintptr_t host_pc; /* the host's call of the gate, its return address */
	/*
	 * Likewise the module's call of the service. 0: none; a handler; in a
	 * filter, with MODISO_INIT_NO_STACKS, and where the stack is not the
	 * module's.
	 */
	uintptr_t service_pc;
	/* What the service was asked for: the first word; 0 without one. */
	uintptr_t service_request;
};

/*
 * One fault, whole: nothing in it points to memory that can go away, but for
 * the two handles, which are good as long as their modules exist.
 */
struct modiso_fault {
	uint32_t struct_size;         /* bytes that the library filled in */
	uint32_t kind;                /* enum modiso_fault_kind */
	uint64_t number;              /* 1 for the first one of the process */
	uint64_t time_ns;             /* CLOCK_MONOTONIC */
	struct modiso_module *module; /* the module that faulted */
	uint64_t module_id;
	char module_name[MODISO_NAME_SIZE];
	int32_t thread;  /* kernel thread id, gettid(2) */
	uint32_t access; /* MODISO_READ, _WRITE or _EXEC; 0: not an access */
	int32_t signo;   /* 0: no signal (a service, an exception, exit()) */
	int32_t code;    /* si_code; MODISO_FAULT_EXIT: the exit status */
	uintptr_t address; /* what was touched; 0 where the CPU does not say */
	uintptr_t pc;      /* the instruction that did it */
	uintptr_t sp;
	/* The region that holds address; region_length 0: none does. */
	uintptr_t region_base;
	size_t region_length;
	size_t region_offset; /* address - region_base */
	char region_name[MODISO_NAME_SIZE];
	struct modiso_module *owner; /* of the region; NULL: host, or none */
	uint64_t owner_id;           /* 0: the host */
	char owner_name[MODISO_NAME_SIZE]; /* "host", or "" without a region */
	int32_t pkey;        /* protection key of the page; -1: not known */
	uint32_t pkru;       /* rights register at the fault; pkey only */
	uint32_t depth;      /* gates that this thread was in, 1 or more */
	uint32_t confinement; /* enum modiso_confinement of the module */
	uintptr_t registers[18]; /* rax rbx rcx rdx rsi rdi rbp rsp r8-r15
				    rip rflags */
	/*
	 * Where host code called the gate: the return address, and the stack
	 * pointer when it has returned. 0 in a filter, and on a thread that
	 * the module made by itself. In a landing it may be the library's own
	 * modiso_gate_call(), later it is the call of that. calls[0].host_pc
	 * is the same.
	 */
	uintptr_t host_pc;
	uintptr_t host_sp;
	uint32_t retries; /* how often a filter has had this one tried again */
	uint32_t overrun; /* enum modiso_overrun */
	/*
	 * The regions next to the address, stacks without their guard pages.
	 * What stopped an overrun (a guard page, a hole, another's region, an
	 * address where nothing is mapped) is what kind, signo and region_...
	 * say; where it came from is said here.
	 */
	struct modiso_fault_beside below;
	struct modiso_fault_beside above;
	/*
	 * The module's own stack: the instruction, then return addresses, each
	 * behind the call. Not yet in a filter. What lies behind frame_count
	 * and call_count is not cleared.
	 */
	uintptr_t frames[MODISO_FAULT_FRAMES];
	uint32_t frame_count;
	uint32_t frames_end; /* enum modiso_frames_end */
	uint8_t instruction[16]; /* bytes from pc on */
	uint32_t instruction_length; /* of those that are known */
	/* Gates, the innermost first; modiso_fault.depth may be more. */
	uint32_t call_count;
	struct modiso_fault_call calls[MODISO_FAULT_CALLS];
	uint32_t permitted; /* 1: it was let pass (MODISO_MODULE_PERMISSIVE) */
	uint32_t service_words; /* of syscall_args: 6, 2 or 0 */
	/*
	 * MODISO_FAULT_SYSCALL: what was asked of the kernel. pc is behind the
	 * instruction. The number is of the table that syscall_arch names, an
	 * AUDIT_ARCH_* of <linux/audit.h>; x32 is x86-64 with bit 30 set in it.
	 * MODISO_FAULT_SERVICE: syscall_args are the words that would have been
	 * passed to the service, as many as it takes; number and arch are 0.
	 * Another fault, in a module that was entered from a service: the words
	 * that this service, calls[1].service_name, was called with: the first
	 * two, as often a number that says what is asked for is among them. All
	 * six are known where the library looks at each call anyway: on
	 * mprotect, and with keys of services that are MODISO_SERVICE_LISTED.
	 */
	uint32_t syscall_number;
	uint32_t syscall_arch; /* 0: no system call */
	uintptr_t syscall_args[6];
	/*
	 * Where the flight recorder was, see modiso_init(); recorded 0: it was
	 * off. The reports read there what the thread has done before, as long
	 * as that is there.
	 */
	uint64_t recorded;
	uint64_t recorded_run;
	uint32_t recorded_ring;
	uint32_t unused2;
};
#define MODISO_FAULT_INIT MODISO_SIZED(modiso_fault)

/* What a filter may answer. */
enum modiso_verdict {
	MODISO_VERDICT_END = 0,   /* end the call with MODISO_ERR_FAULT */
	MODISO_VERDICT_RETRY = 1, /* the cause is mended: run it again */
	/*
	 * It goes to the handler that was there before the library, or to the
	 * default action, which ends the process.
	 */
	MODISO_VERDICT_PASS = 2
};

/*
 * modiso_filter_fn - told of a fault in the signal handler.
 * @fault: the record.
 * @arg:   as given to modiso_fault_notify().
 *
 * Runs on the thread that faulted, on its alternate signal stack, with host
 * rights and all signals but the six fault signals blocked: AS-Safe functions
 * only. A fault in the filter itself ends the process with a message. (A fault
 * without a signal, MODISO_FAULT_SERVICE, is told on the host's stack.)
 *
 * Returns a verdict. RETRY of a fault that has no signal is END, but for
 * MODISO_FAULT_TIMEOUT; so is PASS, but for MODISO_FAULT_EXCEPTION, _EXIT and
 * _ABORT. RETRY is END when the same
 * instruction with the same registers faults for the 10,001st time in a row:
 * the module came no further. A filter that waits for something waits, and then
 * says RETRY.
 */
typedef enum modiso_verdict (*modiso_filter_fn)(
	const struct modiso_fault *fault, void *arg);

/*
 * modiso_landing_fn - told of a fault after the module's call has been ended.
 * @fault: the record.
 * @arg:   as given to modiso_fault_notify().
 *
 * Runs on the thread that faulted, on the host's stack, with host rights and
 * the signal mask of the call, outside of any signal handler: it may do what
 * any host code may, gate calls included. modiso_gate_call() returns when it
 * returns.
 */
typedef void (*modiso_landing_fn)(const struct modiso_fault *fault, void *arg);

/*
 * modiso_fault_notify - say who is told of faults.
 * @module:  whose faults; NULL: those of every module without its own.
 * @filter:  NULL: every fault ends its call.
 * @landing: NULL: nobody is told.
 * @arg:     handed to both.
 *
 * Returns 0, or:
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *
 * Cost:   none.
 * Safety: MT-Safe: each of the two is called with the @arg that it was given
 *         with; a fault under way may ask the old filter and tell the new
 *         landing. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int modiso_fault_notify(
	struct modiso_module *module, modiso_filter_fn filter,
	modiso_landing_fn landing, void *arg);

/*
 * modiso_fault_last - the record of this thread's last fault.
 * @fault: receives it; struct_size set by the caller.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL  @fault is NULL or its struct_size is too small.
 *   MODISO_ERR_NOENT  no module has faulted on this thread.
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *
 * Cost:   a copy.
 * Safety: MT-Safe. AS-Unsafe. Fork: the child keeps the forking thread's.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int modiso_fault_last(struct modiso_fault *fault);

/*
 * modiso_fault_count - faults of modules on this thread, since it started.
 *
 * Cost:   none.
 * Safety: MT-Safe. AS-Safe. Fork: as modiso_fault_last().
 * Since:  0.1
 */
MODISO_API uint64_t modiso_fault_count(void);

/*
 * modiso_fault_kind_name - "access", "stack"... for a kind.
 *
 * Cost:   none.
 * Safety: MT-Safe. AS-Safe. Fork: safe.
 * Since:  0.1
 */
MODISO_API const char *modiso_fault_kind_name(uint32_t kind);

/*
 * modiso_fault_print - a fault for people: what, who, where, whose; the
 * module's stack, each frame as function, source line and file + offset, as far
 * as they are known; then the host's frames in the same way: the call of the
 * gate and, as long as the function that made it has not returned, its callers,
 * the services and gates among them named; what the innermost service was
 * called with, or would have been, where that is known
 * (modiso_fault.service_words); the last calls of the thread before, if they
 * are recorded (modiso/record.h).
 * modiso_fault_print_json - the same as one JSON object on one line, which
 * doc/fault.schema.json describes.
 * @fault:  a record.
 * @stream: where to.
 *
 * Functions and lines are read from the files and from debug files on this
 * machine by elfutils' libdw, if it is installed, and the instruction in words
 * comes from capstone; or from objdump, if MODISO_OPTIONS in the environment
 * has objdump=1 or report=1 (modiso_init()). Without them the report has the
 * addr2line and objdump commands that say the same. The frames at the top that
 * are the library's own (of abort(), say), and those of the C library that call
 * main(), are left out.
 *
 * Return 0, or:
 *   MODISO_ERR_INVAL  an argument is NULL, or @fault is no record of a fault.
 *   MODISO_ERR_NOMEM  no memory for what is looked up.
 *   MODISO_ERR_OS     the stream reports an error; errno says which.
 *
 * Cost:   looks up symbols, and walks the stack of this thread.
 * Safety: MT-Safe. AS-Unsafe: not for a filter. Fork: safe.
 * Since:  0.1
 */
MODISO_API int
modiso_fault_print(const struct modiso_fault *fault, FILE *stream);
MODISO_API int
modiso_fault_print_json(const struct modiso_fault *fault, FILE *stream);

/*
 * modiso_fault_print_map - what lies around the address of a fault now.
 * @fault:  a record.
 * @stream: where to.
 *
 * Up to three regions on either side, within 1 MiB, the guard pages of stacks
 * and what is in no region: one line for each, with what the module that
 * faulted may do there ("rw-"; "---": nothing, or the module has ended since).
 * The line with the address begins with "=>". Nothing is printed of a fault
 * that was no access.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL  an argument is NULL, or @fault is no record of a fault.
 *   MODISO_ERR_NOMEM  no memory for what is looked up.
 *   MODISO_ERR_OS     the stream reports an error; errno says which.
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *
 * Cost:   as modiso_fault_print().
 * Safety: MT-Safe. AS-Unsafe (takes the library's lock). Fork: safe.
 * Since:  0.1
 */
MODISO_API int
modiso_fault_print_map(const struct modiso_fault *fault, FILE *stream);

/*
 * modiso_fault_print_sarif - a fault as a SARIF 2.1.0 log with one result, for
 * tools that show what was found beside the line.
 * @fault:  a record.
 * @stream: where to.
 *
 * Returns what modiso_fault_print() returns.
 *
 * Cost, Safety: as modiso_fault_print().
 * Since:  0.1
 */
MODISO_API int
modiso_fault_print_sarif(const struct modiso_fault *fault, FILE *stream);

/*
 * modiso_fault_print_summary - a fault in one line, with a key that is the same
 * for the same mistake in every run.
 * @fault:  a record.
 * @stream: where to.
 *
 * The key is made of the kind, the access, the functions that it happened in,
 * and how many lines (where these are not known, bytes) behind the beginning of
 * the innermost: a fuzzer keeps one input for each.
 *
 * Returns what modiso_fault_print() returns.
 *
 * Cost, Safety: as modiso_fault_print().
 * Since:  0.1
 */
MODISO_API int
modiso_fault_print_summary(const struct modiso_fault *fault, FILE *stream);

#ifdef __cplusplus
}
#endif

#endif /* MODISO_FAULT_H */
