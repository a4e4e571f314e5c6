/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/frame.h - what gates keep, seen from C and from assembly.
 *
 * A thread that enters modules has a block of MDI_BLOCK_SIZE bytes. Its
 * address is the thread's GS base (pkey) and is kept in the thread-local
 * variable mdi_here, so that a gate can tell by comparing the two that both
 * are ours:
 *
 *	block + 0       one page, struct mdi_open_page: modules can read it and
 *	                not write it. A gate compares PKRU with it.
 *	block + 4096    struct mdi_thread: modules can neither read nor write
 *	                it. Frames of gates under way, the way back to the
 *	                host, this thread's stack in each module and its link.
 *
 * Blocks lie side by side at MDI_BLOCK_SIZE, so that masking any number gives
 * some block and never anything else.
 *
 * The numbers are for assembly; frame_check.c compares each with the C
 * structure.
 */
#ifndef MDI_ARCH_X86_64_FRAME_H
#define MDI_ARCH_X86_64_FRAME_H

#include "os/here.h"

#define MDI_BLOCK_SHIFT 19
#define MDI_BLOCK_SIZE 0x80000
#define MDI_THREADS_MAX 4096
#define MDI_BLOCK_MASK 0x7ff80000 /* offset of a block in the table */
/*
 * The one in front of the first is nobody's, and no memory: any code may load a
 * null selector into GS, and leads there then.
 */
#define MDI_BLOCK_FIRST 1

#define MDI_DEPTH_MAX 64
#define MDI_MODULES_MAX 16384

/*
 * The alternate signal stacks of block n, each above a guard page. While a
 * handler of the host runs on one, another one is armed.
 */
#define MDI_ALTSTACK_SHIFT 18
#define MDI_ALTSTACK_SIZE 0x40000
#define MDI_ALTSTACK_PARTS 4
#define MDI_ALTSTACK_PART 0x10000
/*
 * The end of each, where a frame of the kernel's begins: open to modules where
 * the kernel has no rights but theirs (Linux before 6.12). A frame goes as far
 * down from there when it has come: signal.S.
 */
#define MDI_ALTSTACK_OPEN 0x4000

/* struct mdi_open_page, from the block */
#define RO_PKRU 0
#define RO_SELECTOR 4
#define RO_RESUME 8
#define RO_FS_BASE 16
#define RO_HOST_PKRU 24
#define RO_SELECTORS 32

/* struct mdi_thread, from the block */
#define T_FS_BASE 4096
#define T_HOST_PKRU 4104
#define T_TID 4108
#define T_SELECTORS 4112
#define T_FRAME 4120
#define T_CURRENT 4128
#define T_HOST 4136
#define T_WINDOW_COUNT 4144 /* and abandoned, in one word */
#define T_MARK 4152
#define T_FRAMES 8192 /* in front of them: mdi_frames_start() */
#define T_FRAMES_END 16384
#define T_RESUME 20480 /* a signal frame's copy: mdi_context_resume() */
#define T_RESUME_SIZE 32768
#define T_RING 53248 /* where calls are recorded: struct modiso_record_ring */
#define T_RING_SIZE 77824
#define T_RING_NEXT 53248
#define T_RING_CALLS 57344
#define T_EVENTS 65536
#define T_STACKS 131072
#define T_LINKS 262144

/* struct mdi_frame */
#define F_RBX 0
#define F_RBP 8
#define F_R12 16
#define F_R13 24
#define F_R14 32
#define F_R15 40
#define F_RSP 48
#define F_X87 56
#define F_MXCSR 60
#define F_SERVICE_SP 64
#define F_STACK 72
#define F_LINK 80
#define F_SERVICE 84
#define F_MODULE_MXCSR 88
#define F_MODULE_X87CW 92
#define F_TP 96
#define F_SIZE 128
/* What is recorded of a call under way, from its frame */
#define O_BEGIN (T_RING_CALLS - T_FRAMES)
#define O_GATE (O_BEGIN + 8)
#define O_SERVICE_BEGIN (O_BEGIN + 16)
#define O_SERVICE (O_BEGIN + 24)

/* struct modiso_record_event */
#define E_BEGIN 0
#define E_WHAT 8
#define E_END 16
#define E_PLACE 24
#define E_SIZE 32

/*
 * Where a signal's context says where the alternate stack begins
 * (uc_stack.ss_sp), and where its XSAVE area is (uc_mcontext.fpregs); and in
 * that which components it holds, PKRU among them. Without its bit PKRU is
 * loaded as 0.
 */
#define UC_STACK  16
#define UC_FPREGS 224
#define XSTATE_SIZE_OFFSET 468 /* of all of it: struct _fpx_sw_bytes */
#define XSTATE_BV_OFFSET 512
#define MDI_XSTATE_PKRU (1 << 9)

/* Not canonical: FS cannot be this, whoever writes it. */
#define MDI_NO_POINTER ((uint64_t)1 << 63)
#define MDI_INTERRUPTED 1 /* F_SERVICE_SP, while a handler of the host runs */

#define WAY_BACK 1 /* MDI_WAY_BACK */
#define WAY_OPEN 2 /* MDI_WAY_OPEN */

/* Six callee-saved registers, in the order of the frame, and one word more. */
#define PLAIN_SAVED 56

/*
 * Words that a module passes to a service, below the host's stack pointer in
 * the frame, which is rounded down to 16, until the service has returned: the
 * first two. And all of them, where C is asked whether it may be called; two
 * words of the entry's own are pushed before these.
 */
#define SERVICE_FIRST 16
#define SERVICE_ARGS (SERVICE_FIRST + 16 + ARGS_SIZE)
#define ARGS_SIZE 192

/* Words of a call: those in registers, and room for those on the stack. */
#define REGISTER_WORDS 6
#define STACK_WORDS 10
#define STACK_WORDS_SIZE 80

/* struct mdi_link */
#define L_STACK 0
#define L_PKRU 8
#define L_SELECTOR 12
#define L_SCRUB 13
#define L_SHIFT 4
#define MODE_SCRUB 1 /* bits of L_SCRUB */
#define MODE_TLS 2

/* What lies at a module's own thread pointer: core/tls.h */
#define TCB_SELF 0
#define TCB_BLOCK 8
#define TCB_CANARY 40
#define TCB_POINTER_GUARD 48

/* struct mdi_gate_slot */
#define S_ENTER 0
#define S_DOMAIN 8
#define S_ENTRY 16
#define S_VALUE 24
#define S_INNER 32
#define S_WORDS 40
#define S_FLOATS 44
#define S_NEXT 48
#define S_LINK 56
#define S_TLS 60
#define S_SIZE 64
#define MDI_GATE_SLOTS 8192

/* struct mdi_service_slot */
#define V_FUNCTION 0
#define V_FLAGS 8
#define V_SHIFT 4
#define MDI_SERVICE_ASK 1   /* mdi_service_allowed() */
#define MDI_SERVICE_FLOAT 2 /* its result is in xmm0 */
#define MDI_SERVICE_SLOTS 4096

/* struct mdi_here */
#define H_READY 0
#define H_BLOCK 8

/* struct mdi_critical of os/critical.h, and a fiber's mark */
#define C_DEPTH 0
#define C_SIGNO 4
#define FIBER_MARK 0x46696272

/* struct mdi_arrival */
#define N_COUNT 0
#define N_SP 8
#define N_FS_BASE 16
#define N_TOKEN 24
#define N_SHIFT 5
/* struct mdi_arrivals */
#define N_ALTSTACKS 262144

/* struct mdi_arch_state */
#define A_BLOCKS 0
#define A_FSGSBASE 8
#define A_AVX 12
#define A_AVX512 16
#define A_ALTSTACKS 24
#define A_HANDLER_PKRU 32
#define A_PID 36
#define A_FLAGS 40
#define A_AMX 48
#define A_APX 52
#define A_WIDE 56
#define A_TOKENS_READ 60
#define A_GATES 64
#define A_SERVICES 524352
/* Its calls into core: struct mdi_entries */
#define A_GATE_SLOW 720960
#define A_GATE_REFUSE 720968
#define A_GATE_TOO_DEEP 720976
#define A_GATE_LAND 720984
#define A_ORPHAN_END 720992
#define A_PLAIN_ENTER 721000
#define A_PLAIN_LEAVE 721008
#define A_PLAIN_SERVICE_ENTER 721016
#define A_PLAIN_SERVICE_LEAVE 721024
#define A_SERVICE_DIRECT 721032
#define A_SERVICE_ALLOWED 721040
#define A_FAULT_SIGNAL 721048
#define A_HOST_SIGNAL 721056
#define A_UNWIND_OVER 721072
#define A_FRAMES_SWITCHED 721080
#define A_SERVICE_STACKED 721104
#define A_RIGHTS_OFFSET 721128
#define A_TIDS_END 721160
#define A_TIDS 721164
#define A_FRAMES_OPEN 737548

/*
 * Behind each write of a segment base, with keys: a load that code without the
 * host's rights does not get past. With both bases it could be another thread.
 */
#define HOST_ONLY cmpl $0, A_PID+mdi_arch_state(%rip)

/* Flags as every function expects them: these, DF, AC, TF and NT, are clear. */
#define FLAGS_UNCLEAN 0x44500
#define CLEAN_FLAGS_VALUE 0x202

/* Where MXCSR lies in mdi_clean_fpu. */
#define CLEAN_MXCSR 24

#ifndef __ASSEMBLER__

#include "arch/cpu.h"
#include "base/common.h"

#include <modiso/fault.h>

#include <pthread.h>

struct mdi_gate_slot;
struct mdi_heap_cache;
struct mdi_stack;

/* The beginning of what a backend knows of a module (backend/backend.h). */
struct mdi_domain_head {
	uint32_t rights; /* while inside */
	uint32_t link; /* of every thread, as an offset from its block */
};

/*
 * What a thread enters a module with, one for each module in its block. The
 * stack is 0 when there is none to use, or when the rights are not to be
 * relied on any more: then the gate asks C.
 */
struct mdi_link {
	uint64_t stack; /* top, for the thread's next call into the module */
	uint32_t rights; /* the module's */
	union { /* these go into the open page along with the rights */
		uint32_t modes;
		struct {
			uint8_t selector; /* enum mdi_selector */
			/* MODE_*: what the way back of a service looks at */
			uint8_t scrub;
		};
	};
};

/* One gate under way, and in it at most one service under way. */
struct mdi_frame {
	uint64_t rbx, rbp, r12, r13, r14, r15;
	uint64_t sp; /* the host's, at the gate's first instruction */
	uint32_t x87_control;
	uint32_t mxcsr;
	/*
	 * Not 0: host code runs above the module. Its RSP, when it called a
	 * service; MDI_INTERRUPTED, when a signal handler of the host runs.
	 */
	uint64_t service_sp;
	/*
	 * pkey: what the link held while host code runs above. plain: the
	 * stack's top, all the time; bit 0 is set when it came out of the link.
	 */
	uint64_t stack;
	uint32_t link; /* which module it is of: core/frames.h */
	/* Number of the service that runs; of a handler, its context's end. */
	uint32_t service;
	union {
		struct { /* while a service runs */
			uint32_t module_mxcsr;
			uint32_t module_x87_control;
		};
		/* Where sp leads, while a handler of the host runs. */
		uint64_t called_at;
	};
	union {
		uint64_t block_base; /* plain: the host's */
		/*
		 * pkey, in a module with TLS: the thread pointer that the gate
		 * has loaded for it. Else left from another call, or
		 * MDI_NO_POINTER.
		 */
		uint64_t module_pointer;
	};
} __attribute__((aligned(128)));

#define MDI_STATUS_UNWIND 1 /* the unwinder goes on below the gate */
#define MDI_STATUS_PASSED 2 /* what the module asked for is to be done */

/* Is to leave its modules for good; is in none, and not to enter the next. */
#define MDI_ABANDON_CALL 1u
#define MDI_ABANDON_NEXT 2u

/* What a fault's handler does: host code, although the thread is inside. */
#define MDI_IN_FILTER 1 /* a filter's: a fault there ends the process */
#define MDI_IN_WALK   2 /* it reads the module's stack, by mdi_copy() */

/* As the kernel wants it: PR_SET_SYSCALL_USER_DISPATCH of prctl(2). */
enum mdi_selector {
	MDI_SELECTOR_ALLOW = 0,
	MDI_SELECTOR_BLOCK = 1 /* a system call is a SIGSYS */
};

/* Readable by the module that runs, writable by the host alone. */
struct mdi_open_page {
	uint32_t rights; /* what PKRU must be inside the module */
	/*
	 * What the kernel reads at each system call of a thread that is armed
	 * (os/dispatch.h): enum mdi_selector. A copy of the link's while the
	 * module runs, 0 outside.
	 */
	uint8_t selector;
	uint8_t scrub; /* as the link has it; nobody reads it here */
	uint16_t unused;
	uint64_t resume; /* where mdi_resume() goes on in a module */
	/* The beginning of struct mdi_thread: fiber.S writes both at once. */
	uint64_t thread_pointer;
	uint32_t host_rights; /* what PKRU must be outside */
	int32_t tid;
	uint16_t selectors[4];
};

/*
 * A call that is known: another one in the same place has another number, or is
 * of another module. 0: none is.
 */
struct mdi_limit_call {
	uint32_t number, link;
	uint32_t used_of; /* the number of the call that used_ns is of */
	uint32_t unused;
	uint64_t used_ns; /* of its time, as far as it was counted */
};

/* How long modules have run: core/limit.c. */
struct mdi_limit {
	/* Of the thread itself. */
	uint64_t known;   /* bit n: calls[n] is of the nth frame */
	uint32_t entries; /* calls that began in C */
	uint32_t starts; /* its next one has a thread made that ticks */
	/* From the ticking thread to this one. */
	uint32_t wants;
	uint32_t sent; /* a signal is on its way */

	/* From here on the ticking thread's. What it has seen before: */
	uint32_t seen_link, seen_depth, seen_entries;
	/* The call whose time it counts, in frame @place of thread @tid. */
	uint32_t number, place;
	int32_t tid;
	uint64_t clock_ns; /* when counting began; or what was seen before */
	uint64_t wall_ns; /* that it has been seen running since */
	struct mdi_limit_call calls[MDI_DEPTH_MAX];
};

struct mdi_thread {
	/* Whose block it is. A fiber's is of the thread that ran it last. */
	uint64_t thread_pointer;
	uint32_t host_rights;
	int32_t tid;
	uint16_t selectors[4]; /* DS, ES, FS, GS when it was attached */
	struct mdi_frame *frame; /* the next free one */
	/*
	 * A thread's: the block that it goes by just now, its own or that of
	 * the fiber that it runs. Its alternate stack leads to its own.
	 */
	char *current;
	/* Which thread runs it: a thread itself; a fiber's, or NULL: none. */
	struct mdi_thread *host;
	uint32_t window_count;
	uint32_t abandoned; /* MDI_ABANDON_CALL, MDI_ABANDON_NEXT */
	uint32_t mark; /* MDI_MARK_FIBER; MDI_MARK_THREAD while attached */

	/* From here on C alone. */
	uint32_t index;      /* of the block and of the alternate stack */
	uint32_t armed;      /* a thread's: its system calls ask its own page */
	uint32_t in_handler; /* MDI_IN_FILTER or MDI_IN_WALK, or 0 */
	uint32_t filter_retries; /* so often */
	struct mdi_stack *stacks; /* all that this thread has, any module */
	struct mdi_thread *next;  /* list of attached threads, or free list */
	uint32_t held; /* mprotect: so many of them keep modules out just now */
	uint32_t entered; /* mprotect: its module counts as one that runs */
	struct mdi_thread *peer; /* mprotect: list of those to interrupt */
	uint32_t altstacks; /* bit n: a handler runs on alternate stack n */
	uint32_t old_altstack_flags; /* of the program's own */
	void *old_altstack;
	size_t old_altstack_size;
	bool had_rseq;
	/*
	 * Why mdi_gate_recover() runs. MODISO_ERR_FAULT: the record is of a
	 * fault to tell; MDI_STATUS_UNWIND, MDI_STATUS_PASSED.
	 */
	int32_t status;
	void *unwinding; /* MDI_STATUS_UNWIND: the exception */
	uint64_t left_sp; /* where the module's stack was left */
	uint64_t last_trap; /* mdi_context_raised() */
	uint64_t retry_address; /* a fault that is tried again, since when */
	uint64_t retry_ns;
	uint64_t retries;
	uint64_t retried_state; /* of a fault that the filter tries again */
	void (*landing)(void *arg);
	void *landing_arg;
	uint32_t heap_busy; /* it uses a cache of a heap at this moment */
	struct mdi_heap_cache *heap_caches; /* all of its own */
	struct mdi_limit limit;
	struct modiso_fault fault; /* the last one */
	struct {
		struct modiso_region *region;
		struct mdi_domain_head *domain;
		uint32_t token; /* host_rights before it was opened */
		uint32_t unused;
	} windows[16];
	/*
	 * mprotect: its stack, where those of others are closed; and 1: it
	 * grows (os/program.h). Else 0.
	 */
	uint64_t stack_base, stack_end;
};

/* What a thunk jumps through, one cache line. enter is never NULL. */
struct mdi_gate_slot {
	void (*enter)(void);
	struct mdi_domain_head *domain;
	void (MODISO_CALL *entry)(void);
	uint64_t value;      /* what the thunk returns on failure */
	void (*inner)(void); /* the gate behind mdi_gate_valued() */
	uint32_t words;
	uint32_t floats;
	void (*next)(void); /* the gate behind mdi_gate_pkey_own() */
	uint32_t link;      /* domain->link */
	/* Of a module with TLS: struct mdi_tls, word. */
	uint32_t tls;
};

struct mdi_service_slot {
	void (MODISO_CALL *function)(void); /* NULL: no such service */
	uint64_t flags;         /* MDI_SERVICE_ASK, MDI_SERVICE_FLOAT */
};

/* How a thread goes on when a signal's handler is over. */
enum mdi_way {
	MDI_WAY_OTHER = 0, /* in other code, of the host's */
	/* Where it was: it wants its segment bases back. */
	MDI_WAY_BACK = WAY_BACK,
	/* The same, and by rights to which its frame is closed where it is. */
	MDI_WAY_OPEN = WAY_OPEN
	/* Else: through mdi_resume(), by the copy of the frame at this place */
};

/*
 * What gates, signal entries and unwinders call, with the host's rights: core
 * puts it in when the library starts. Gates go by MODISO_CALL.
 */
struct mdi_entries {
	int (MODISO_CALL *gate_slow)(struct mdi_gate_slot *slot);
	void (MODISO_CALL *gate_refuse)(struct mdi_gate_slot *slot);
	void (MODISO_CALL *gate_too_deep)(void);
	void (MODISO_CALL *gate_land)(struct mdi_thread *thread);
	void (MODISO_CALL *orphan_end)(struct modiso_fault *fault);
	/* @saved: PLAIN_SAVED bytes below the host's stack pointer. */
	struct mdi_frame *(MODISO_CALL *plain_enter)(struct mdi_gate_slot *slot,
						     const uint64_t *saved);
	void (MODISO_CALL *plain_leave)(struct mdi_thread *thread);
	int (MODISO_CALL *plain_service_enter)(uint64_t number,
					       struct mdi_thread *thread,
					       uintptr_t sp);
	/*
	 * @end: of the frame of the service's caller. @real: 16 bytes, what the
	 * register of a floating-point result returns to the module with.
	 * *@scrub: MODE_SCRUB, when everything else that the service has left
	 * in registers is to be cleared; and the thread pointer of a module
	 * with TLS.
	 */
	uintptr_t (MODISO_CALL *plain_service_leave)(
		const struct mdi_frame *end, uint64_t *real, uint64_t *scrub);
	void *(MODISO_CALL *service_direct)(uint64_t number);
	int (MODISO_CALL *service_allowed)(uint64_t number,
					   struct mdi_thread *thread);
	/*
	 * A siginfo_t and a ucontext_t, as the system has them. @thread is
	 * NULL for a thread that is not attached. How the thread
	 * goes on: enum mdi_way, or the address of a copy of the frame.
	 */
	uintptr_t (*fault_signal)(int signo, void *info, void *context,
				  struct mdi_thread *thread);
	/* A signal that the host has a handler for. */
	uintptr_t (*host_signal)(int signo, void *info, void *context,
				 struct mdi_thread *thread);
	/* The same entry, called as a function. */
	void (*intruder_calls)(int signo, void *info, void *context);
	/* Host code above a module is left by @exception. */
	void (MODISO_CALL *unwind_over)(void *exception,
					struct mdi_thread *thread);
	void (MODISO_CALL *frames_switched)(void); /* does not return */
	/* Has the handler with this context interrupted a module here? */
	bool (*unwind_interrupted)(const void *context);
	/* A signal's entry, called by the kernel when no library runs. */
	void (*intruder_over)(int signo, const void *info);
	/*
	 * A service whose caller passes words on its stack: they come to
	 * @words, STACK_WORDS of them, and the function comes back.
	 */
	void *(MODISO_CALL *service_stacked)(uint64_t *words);
};

/* Closed to modules with the pkey backend; one key for all its pages. */
struct mdi_arch_state {
	char *blocks; /* MDI_THREADS_MAX of them */
	uint32_t fsgsbase, avx, avx512;
	uint32_t marks_faults; /* mdi_context_raised() */
	char *altstacks; /* as many, MDI_ALTSTACK_SIZE apart */
	uint32_t handler_rights; /* of host handlers on threads not attached */
	int32_t pid;
	uint64_t flags; /* FLAGS_UNCLEAN */
	uint32_t amx, apx;
	uint32_t wide; /* any of the three above: mdi_cpu_wide() */
	/* A module that can read mdi_arrivals has its system calls stopped. */
	uint32_t tokens_read;
	struct mdi_gate_slot gates[MDI_GATE_SLOTS];
	struct mdi_service_slot services[MDI_SERVICE_SLOTS];
	/* By link: mdi_link_domain(). */
	struct mdi_domain_head *domains[MDI_MODULES_MAX];
	struct mdi_entries entries;
	struct mdi_cpu cpu; /* mdi_cpu() */
	pthread_once_t cpu_once;
	/* Code in place of the host's: gadget.h. Size 0: there is none. */
	uintptr_t detours, detours_size;
	/* Of attached threads, by the index of their block; 0: of none. */
	uint32_t tids_end;
	int32_t tids[MDI_THREADS_MAX];
	/* Modules have rights to where the kernel's frames begin. */
	uint32_t frames_open;
} __attribute__((aligned(4096)));

extern struct mdi_arch_state mdi_arch_state;

/*
 * Handlers that the kernel has started and that have not taken rights yet, by
 * the place of their stack: signal.S. In memory under key 0, so in pages of
 * their own; a GUARD module that writes there can spoil a signal's first
 * instructions, as it can on the stack that they run on.
 */
struct mdi_arrival {
	uint32_t count, unused;
	/* Of the last one: its stack pointer, and whose thread it was. */
	uint64_t sp, thread_pointer;
	/*
	 * A random number, the stack's own. Whoever has it in a register has
	 * come with key 0, so the kernel has put the thread on this stack.
	 */
	uint64_t token;
};

/*
 * Those on the library's stacks have the second half to themselves, where each
 * has one of its own: on any other stack another thread's may be the same.
 */
#define MDI_ARRIVALS (2 * MDI_THREADS_MAX)
extern struct mdi_arrivals {
	struct mdi_arrival of[MDI_ARRIVALS];
	char *altstacks; /* of struct mdi_arch_state, which is closed then */
} __attribute__((aligned(4096))) mdi_arrivals;

/* As NOTE of signal.S finds it. */
static inline struct mdi_arrival *mdi_arrival_at(uintptr_t sp)
{
	size_t at = sp >> MDI_ALTSTACK_SHIFT & (MDI_THREADS_MAX - 1);

	if ((sp - (uintptr_t)mdi_arrivals.altstacks) >> MDI_ALTSTACK_SHIFT <
	    MDI_THREADS_MAX)
		at += MDI_THREADS_MAX;
	return &mdi_arrivals.of[at];
}

/* What gates ask of this CPU is noted. */
void mdi_arch_start(void);

/* MXCSR and the x87 control word of the calling code. */
static inline void mdi_fpu_control(uint32_t *mxcsr, uint32_t *x87)
{
	*x87 = 0; /* the word has 16 bits */
	__asm__ volatile("stmxcsr %0\n\tfnstcw %1"
			 : "=m"(*mxcsr), "+m"(*x87));
}

/* The CPU's time stamp counter, which gates record. */
static inline uint64_t mdi_clock(void)
{
	return __builtin_ia32_rdtsc();
}

/* Faults of modules on the calling thread, since it started. */
extern MDI_TLS uint64_t mdi_fault_counter;

static inline char *mdi_thread_block(const struct mdi_thread *thread)
{
	return (char *)thread - T_FS_BASE;
}

static inline struct mdi_thread *mdi_block_thread(char *block)
{
	return (struct mdi_thread *)(void *)(block + T_FS_BASE);
}

static inline struct mdi_open_page *
mdi_thread_open_page(const struct mdi_thread *thread)
{
	return (struct mdi_open_page *)(void *)mdi_thread_block(thread);
}

static inline struct mdi_frame *
mdi_thread_frames(const struct mdi_thread *thread)
{
	return (struct mdi_frame *)(void *)(mdi_thread_block(thread) +
					    T_FRAMES);
}

/* A thread's link to a module. */
static inline struct mdi_link *mdi_thread_link(const struct mdi_thread *thread,
					       uint32_t link)
{
	return (struct mdi_link *)(void *)(mdi_thread_block(thread) + link);
}

static inline uint32_t mdi_link_index(uint32_t link)
{
	return (link - T_LINKS) >> L_SHIFT;
}

/* A thread's stack for its outermost call into a module. NULL: none yet. */
static inline struct mdi_stack **
mdi_thread_first_stack(const struct mdi_thread *thread, uint32_t link)
{
	/* A pointer is half as long as a link. */
	return (struct mdi_stack **)(void *)(mdi_thread_block(thread) +
					     (link >> 1) + T_STACKS -
					     T_LINKS / 2);
}

/* The thread that ticks asks while links are given and taken. */
static inline struct mdi_domain_head *mdi_link_domain(uint32_t link)
{
	uint32_t i = mdi_link_index(link) % MDI_MODULES_MAX;

	return __atomic_load_n(&mdi_arch_state.domains[i], __ATOMIC_ACQUIRE);
}

/*
 * Is the thread pointer a module's own? So says the word that lies there; the
 * module can change it, as it can what a thread-local variable of ours would be
 * then.
 */
static inline bool mdi_pointer_is_modules(void)
{
	uintptr_t word = mdi_pointer_word(TCB_BLOCK);
	/* Another thread may start the library by now. */
	uintptr_t blocks = (uintptr_t)__atomic_load_n(&mdi_arch_state.blocks,
						      __ATOMIC_RELAXED);

	return blocks != 0 && word % MDI_BLOCK_SIZE == 0 &&
	       word - blocks < (uintptr_t)MDI_THREADS_MAX * MDI_BLOCK_SIZE;
}

/* The calling thread's state, NULL when it is not attached. */
static inline struct mdi_thread *mdi_thread_self(void)
{
	return mdi_block == MDI_UNATTACHED ?
		       NULL :
		       (struct mdi_thread *)(mdi_block + T_FS_BASE);
}

/* What the module passes to its service: the first two words. */
#define MDI_SERVICE_FIRST (SERVICE_FIRST / 8)
static inline const uint64_t *
mdi_service_first_words(const struct mdi_frame *frame)
{
	return (const uint64_t *)((frame->sp & ~(uint64_t)15) - SERVICE_FIRST);
}

/* Six, if C was asked: mdi_service_allowed(), mdi_plain_service_enter(). */
static inline const uint64_t *mdi_service_words(const struct mdi_frame *frame)
{
	return (const uint64_t *)((frame->sp & ~(uint64_t)15) - SERVICE_ARGS);
}

/*
 * Behind these, while such a service runs: r11, where its number was, which is
 * small and which nobody reads any more (SAVE_WORDS). So the uppermost bit is
 * free for core/handed.h.
 */
static inline uint64_t *mdi_service_mark(const struct mdi_frame *frame)
{
	return (uint64_t *)((frame->sp & ~(uint64_t)15) - SERVICE_ARGS) +
	       REGISTER_WORDS;
}

/* The innermost gate of a thread, NULL outside of all. */
static inline struct mdi_frame *mdi_frame_top(const struct mdi_thread *thread)
{
	return thread->frame == mdi_thread_frames(thread) ? NULL :
							    thread->frame - 1;
}

/* How many gates the thread is in. */
static inline uint32_t mdi_thread_depth(const struct mdi_thread *thread)
{
	return (uint32_t)(thread->frame - mdi_thread_frames(thread));
}

/* Is module code running on this thread, as far as its frames know? */
static inline bool mdi_thread_inside(const struct mdi_thread *thread)
{
	const struct mdi_frame *top = mdi_frame_top(thread);

	return top != NULL && top->service_sp == 0;
}

/* The same of another thread, which goes on meanwhile: it is a guess. */
static inline bool mdi_thread_seems_inside(const struct mdi_thread *thread)
{
	const struct mdi_frame *frame =
		__atomic_load_n(&thread->frame, __ATOMIC_ACQUIRE);

	return frame != mdi_thread_frames(thread) &&
	       __atomic_load_n(&frame[-1].service_sp, __ATOMIC_ACQUIRE) == 0;
}

/* The gates themselves, reached through a slot: gate_pkey.S, gate_plain.S. */
#define MDI_GATES(kind)                                                        \
	void mdi_gate_##kind(void); /* up to two words, floats, all is kept */ \
	void mdi_gate_##kind##_six(void); /* up to six words, floats */        \
	void mdi_gate_##kind##_many(void); /* more words, floats */            \
	void mdi_gate_##kind##_scrub_many(void);                               \
	/* What is no argument enters as zero: the name says how many are. */  \
	void mdi_gate_##kind##_scrub_0(void);                                  \
	void mdi_gate_##kind##_scrub_1(void);                                  \
	void mdi_gate_##kind##_scrub_2(void);                                  \
	void mdi_gate_##kind##_scrub_3(void);                                  \
	void mdi_gate_##kind##_scrub_4(void);                                  \
	void mdi_gate_##kind##_scrub_5(void);                                  \
	void mdi_gate_##kind##_scrub_6(void);                                  \
	void mdi_gate_##kind##_scrub_any(void) /* as the slot says, floats */
MDI_GATES(pkey);
MDI_GATES(guard);     /* into modules whose system calls are guarded */
MDI_GATES(pkey_rec);  /* the same, and the call is recorded */
MDI_GATES(guard_rec);
MDI_GATES(pkey_tls);  /* the same four, into modules with TLS */
MDI_GATES(guard_tls);
MDI_GATES(pkey_tls_rec);
MDI_GATES(guard_tls_rec);
/* In front of them, when the program has protection keys of its own. */
void mdi_gate_pkey_own(void);
#define MDI_GATES_PLAIN(kind)                                                  \
	void mdi_gate_##kind(void);                                            \
	void mdi_gate_##kind##_scrub(void);                                    \
	void mdi_gate_##kind##_many(void);                                     \
	void mdi_gate_##kind##_scrub_many(void)
MDI_GATES_PLAIN(plain);
MDI_GATES_PLAIN(plain_rec);
MDI_GATES_PLAIN(plain_tls);
MDI_GATES_PLAIN(plain_tls_rec);
/* The one for a gate, and for this CPU. */
struct mdi_gate_shape {
	uint32_t words, floats;
	bool scrub;
	bool recorded; /* its calls are: modiso/record.h */
	bool tls; /* the module has TLS of its own */
};
void (*mdi_gate_pkey_of(const struct mdi_gate_shape *shape,
			bool guarded))(void);
void (*mdi_gate_plain_of(const struct mdi_gate_shape *shape))(void);
void mdi_gate_valued(void); /* calls slot->inner, puts value in on failure */
void mdi_gate_valued_many(void); /* the same for words on the stack */
void mdi_gate_dead(void);   /* of a slot without a gate */

/*
 * Load up to six words, call through a slot, store the result, if @result is
 * not NULL. 0, or 1 when the call failed and the thread's status says why.
 */
MODISO_CALL int mdi_gate_invoke(struct mdi_gate_slot *slot,
				const uintptr_t *args, unsigned count,
				uintptr_t *result);
/* With all words that there can be, for a gate that has some on the stack. */
MODISO_CALL int mdi_gate_invoke_many(struct mdi_gate_slot *slot,
				     const uintptr_t *words,
				     uintptr_t *result);

/* In place of the function of a service that has words on the stack. */
MODISO_CALL void mdi_service_stacked_call(void);
extern const char mdi_service_stacked_end[];

/* Where a fault or a failure puts a thread: host rights, host stack, r10. */
void mdi_gate_recover(void);
/* Where a thread that a module has made goes when it faults. */
void mdi_orphan_landing(void);
/* Where a call at the depth limit ends. */
void mdi_gate_overflow(void);
/* Thunk number i begins at table + i * MDI_THUNK_SIZE. */
#define MDI_THUNK_SIZE 16
extern const char mdi_gate_thunks[];
extern const char mdi_service_thunks_pkey[];
extern const char mdi_service_thunks_plain[];
extern const char mdi_service_thunks_pkey_rec[];
extern const char mdi_service_thunks_plain_rec[];

/* All of gate_pkey.S, gate_plain.S and gate_common.S: the linker's names. */
extern const char __start_mdi_gate_text[] __attribute__((visibility("hidden")));
extern const char __stop_mdi_gate_text[] __attribute__((visibility("hidden")));

static inline bool mdi_is_gate_code(uintptr_t pc)
{
	return (pc >= (uintptr_t)__start_mdi_gate_text &&
		pc < (uintptr_t)__stop_mdi_gate_text) ||
	       pc - mdi_arch_state.detours < mdi_arch_state.detours_size;
}

/* And all of signal.S and fiber.S. */
extern const char
	__start_mdi_entry_text[] __attribute__((visibility("hidden"))),
	__stop_mdi_entry_text[] __attribute__((visibility("hidden")));

/* Code of this library that may write rights and segment bases. */
static inline bool mdi_is_own_code(uintptr_t pc)
{
	return (pc >= (uintptr_t)__start_mdi_gate_text &&
		pc < (uintptr_t)__stop_mdi_gate_text) ||
	       (pc >= (uintptr_t)__start_mdi_entry_text &&
		pc < (uintptr_t)__stop_mdi_entry_text);
}

/* Is @pc one of a list of places, each relative to where it is listed? */
static inline bool mdi_is_listed(const int32_t *site, const int32_t *end,
				 uintptr_t pc)
{
	for (; site < end; site++)
		if ((uintptr_t)site + (uintptr_t)(intptr_t)*site == pc)
			return true;
	return false;
}

/*
 * Close key 0 to this thread and crash with SIGILL: a forked child finds out
 * whether the kernel can still deliver a signal. @rights has key 0 closed.
 */
void mdi_probe_closed(uint32_t rights);

/*
 * DS, ES, FS and GS as they were when the thread was attached. Their values
 * mean nothing to 64-bit code; the bases of FS and GS stay.
 */
MODISO_CALL void mdi_selectors_reload(const struct mdi_thread *thread);

static inline void mdi_selectors_note(struct mdi_thread *thread)
{
	uint16_t *to = thread->selectors;

	__asm__ volatile("movw %%ds, %0\n\tmovw %%es, %1\n\t"
			 "movw %%fs, %2\n\tmovw %%gs, %3"
			 : "=m"(to[0]), "=m"(to[1]), "=m"(to[2]), "=m"(to[3]));
	__builtin_memcpy(mdi_thread_open_page(thread)->selectors, to,
			 sizeof(thread->selectors));
}

/*
 * The calling thread goes by the block of @to, a fiber, or of the thread
 * itself, NULL. Where anything is not as it mostly is, nothing has changed and
 * @otherwise is called: fiber.S. A module may call them.
 */
int mdi_fiber_switch_pkey(struct mdi_thread *to,
			  int (*otherwise)(struct mdi_thread *to));
int mdi_fiber_switch_plain(struct mdi_thread *to,
			   int (*otherwise)(struct mdi_thread *to));
extern const char mdi_fiber_switch_end[]; /* of both */

/* Copy that ends with 1 instead of 0 when the fault handler says so. */
MODISO_CALL int mdi_copy(void *to, const void *from, size_t length);
extern const char mdi_copy_begin[], mdi_copy_end[], mdi_copy_fault[];

/* Go to mdi_gate_recover() on the host's stack, from host code above it. */
MODISO_CALL void mdi_gate_unwind(char *block, uintptr_t rsp)
	__attribute__((noreturn));
/*
 * Where the gates of a kind begin, where the way back begins in the first of
 * them, and where the second one is: as far from mdi_gate_pkey(). Behind the
 * last kind comes mdi_service_pkey(): gate_pkey.S.
 */
#define MDI_GATE_FAMILIES 8
struct mdi_gate_family {
	uint32_t begin, exit, six;
};
extern const struct mdi_gate_family mdi_gate_families[MDI_GATE_FAMILIES];
void mdi_service_pkey(void);

/*
 * May a gate with keys that is interrupted here not have written its frame? If
 * the thread has the host's rights: a module can jump there.
 */
bool mdi_is_gate_begin(uintptr_t pc);

/* The WRPKRU of the ways out of modules, as far from mdi_gate_pkey(). */
extern const uint32_t mdi_rights_back[MDI_GATE_FAMILIES + 2];

/*
 * Is this the WRPKRU of a way into modules? Right before it rights and selector
 * are stored to the open page, by an instruction of so many bytes. Else 0.
 */
size_t mdi_rights_stored(uintptr_t pc);

/*
 * Where a handler's end leads that has interrupted a guarded module: in
 * gate_pkey.S. It has the host's rights.
 */
extern const char mdi_resume[], mdi_resume_end[];
/* What it takes from the top of the module's stack. */
struct mdi_resume_words {
	uint64_t rax, rcx, rdx, flags, sp;
};

#endif /* __ASSEMBLER__ */

#endif /* MDI_ARCH_X86_64_FRAME_H */
