/* SPDX-License-Identifier: MIT */
#include "arch/context.h"
#include "arch/x86_64/signal.h"

#include "arch/x86_64/frame.h"
#include "arch/x86_64/rights.h"

#include <modiso/region.h>

#include <stddef.h>
#include <string.h>

_Static_assert(offsetof(ucontext_t, uc_stack.ss_sp) == UC_STACK, "UC_STACK");
_Static_assert(offsetof(ucontext_t, uc_mcontext.fpregs) == UC_FPREGS,
	       "UC_FPREGS");

/* Where FP_XSTATE_MAGIC1 marks that an XSAVE area follows the legacy part. */
#define MAGIC1_OFFSET 464

/* Bits of a page fault's error code (Intel SDM 3A, 4.7). */
#define PF_WRITE (1u << 1)
#define PF_FETCH (1u << 4)
/* Exceptions by number (Intel SDM 3A, 6.3.1), as the kernel notes them. */
#define TRAP_DIVIDE     0
#define TRAP_DEBUG      1
#define TRAP_BREAKPOINT 3
#define TRAP_UNDEFINED  6
#define TRAP_PAGE_FAULT 14
#define TRAP_X87        16
#define TRAP_CONTROL    21
#define TRAP_SIMD       19

/* Its exceptions: in the control word a set bit masks one. */
#define X87_EXCEPTIONS 0x3f
#define X87_CONTROL    0x37f /* as a new process has it */
#define XSTATE_X87     1u

#define EFLAGS_RF 0x10000
#define EFLAGS_TF 0x100

static char *xsave_area(ucontext_t *context, uint32_t offset)
{
	char *area = (char *)context->uc_mcontext.fpregs;

	if (area == NULL || offset == 0)
		return NULL;
	return *(uint32_t *)(void *)(area + MAGIC1_OFFSET) == FP_XSTATE_MAGIC1 ?
		       area :
		       NULL;
}

/* On Linux it is what the kernel gives to a handler. */
static ucontext_t *saved(const struct mdi_context *context)
{
	return (ucontext_t *)(uintptr_t)context;
}

static greg_t *gregs(const struct mdi_context *context)
{
	return saved(context)->uc_mcontext.gregs;
}

uint32_t *mdi_context_rights(struct mdi_context *context, uint32_t offset)
{
	char *area = xsave_area(saved(context), offset);

	return area ? (uint32_t *)(void *)(area + offset) : NULL;
}

void mdi_context_set_rights(struct mdi_context *context, uint32_t offset,
			    uint32_t rights)
{
	char *area = xsave_area(saved(context), offset);

	if (area == NULL)
		return;
	*(uint32_t *)(void *)(area + offset) = rights;
	/* Without the bit the CPU loads 0: all rights. */
	*(uint64_t *)(void *)(area + XSTATE_BV_OFFSET) |= MDI_XSTATE_PKRU;
}

/*
 * Of floating-point and vector state these components alone are left, and the
 * rest is as a new process has it: no x87 exception is pending, and the kernel
 * has less to restore. MXCSR comes from the area all the same (Intel SDM 1,
 * 13.8). A CPU without XSAVE has no such bits, and keeps its vectors.
 */
static void keep_state(ucontext_t *context, uint64_t components)
{
	struct _libc_fpstate *x87 = context->uc_mcontext.fpregs;
	char *area = xsave_area(context, 1);

	if (area != NULL) {
		*(uint64_t *)(void *)(area + XSTATE_BV_OFFSET) &= components;
	} else if (x87 != NULL) {
		x87->cwd = X87_CONTROL;
		x87->swd = 0;
		x87->ftw = 0; /* all are empty */
	}
}

/* CS, GS, FS and SS of the interrupted code, 16 bits each. */
#define SS_SHIFT 48
/* In uc_flags: load the SS that the frame names (Linux 4.7). */
#define STRICT_SS 0x4ul

/* The handler's own code and stack segments: 64-bit code. */
static void set_selectors(ucontext_t *context)
{
	greg_t *word = &context->uc_mcontext.gregs[REG_CSGSFS];
	uint64_t kept = (uint64_t)*word & 0x0000ffffffff0000ull;
	uint64_t cs, ss;

	__asm__("movl %%cs, %k0\n\tmovl %%ss, %k1" : "=r"(cs), "=r"(ss));
	*word = (greg_t)(kept | (uint16_t)cs |
			 (uint64_t)(uint16_t)ss << SS_SHIFT);
	context->uc_flags |= STRICT_SS;
}

/*
 * What a frame says of the state that a thread goes on with, and what becomes
 * of it where host code goes on in place of a module's. The kernel's return
 * from a handler loads what it finds there.
 *
 *	RIP RSP R10         set here
 *	CS SS               set here, to the handler's own, with the flag that
 *	                    makes the kernel load SS: a module that has left
 *	                    64-bit code would cut RIP to 32 bits
 *	RFLAGS              set here. What the kernel does not load from it
 *	                    (NT, IOPL, ID) is as the handler has it: signal.S
 *	                    clears NT, and a program cannot change IOPL
 *	other registers     the module's; mdi_gate_recover() loads those that a
 *	                    caller wants back, and the rest is scratch
 *	x87, vectors, AMX,  as in a new process (keep_state), all components
 *	APX                 but PKRU: those to come are among them
 *	MXCSR               the module's until mdi_gate_recover() loads it
 *	PKRU                set by the backend (recover)
 *	FS, GS base         set by signal.S, and not given back to a thread that
 *	                    is redirected
 *	DS ES FS GS         no part of the frame; mdi_selectors_reload()
 *	shadow stack        the kernel switches it by the token that it has put
 *	                    there: a thread that has one is not taken out of a
 *	                    module, as gates do not run with shadow stacks
 *	uc_sigmask          the mask of the interrupted code, which is the one
 *	                    that the gate was called with: a module changes it
 *	                    by a system call alone
 *	uc_stack            the thread's alternate stack, as it was: none of a
 *	                    module's doing
 *	uc_link             the kernel does not look at it
 *	trap number, error  for the reader of the frame; the kernel ignores them
 *
 * A handler's end, and module code that goes on (retry, a door), load the state
 * as it came: module code with a module's state and rights; in it RIP, CS and
 * SS stay together, and mdi_context_set_pc() sets all three.
 */
void mdi_context_redirect(struct mdi_context *context, const void *label,
			  uintptr_t sp, uintptr_t block)
{
	greg_t *reg = gregs(context);

	keep_state(saved(context), MDI_XSTATE_PKRU);
	set_selectors(saved(context));
	reg[REG_RIP] = (greg_t)(uintptr_t)label;
	reg[REG_RSP] = (greg_t)sp;
	reg[REG_R10] = (greg_t)block;
	reg[REG_EFL] = 0x202;
}

/* --- one instruction --- */

/* The kernel's form of a set is the first word of the C library's. */
static uint64_t exchange_mask(struct mdi_context *context, uint64_t mask)
{
	sigset_t *set = &saved(context)->uc_sigmask;
	uint64_t was;

	memcpy(&was, set, sizeof(was));
	memcpy(set, &mask, sizeof(mask));
	return was;
}

/*
 * The CPU traps behind an instruction that began with TF set, whatever it does
 * to TF itself. Behind a load of SS the trap comes one instruction later.
 */
uint64_t mdi_context_step(struct mdi_context *context)
{
	static const int open[] = {SIGSEGV, SIGBUS,  SIGILL,
				   SIGFPE,  SIGTRAP, SIGSYS};
	uint64_t mask = ~(uint64_t)0;

	for (size_t i = 0; i < MDI_COUNT(open); i++)
		mask &= ~((uint64_t)1 << (open[i] - 1));
	gregs(context)[REG_EFL] |= EFLAGS_TF;
	return exchange_mask(context, mask);
}

bool mdi_context_steps(const struct mdi_context *context)
{
	return gregs(context)[REG_EFL] & EFLAGS_TF;
}

void mdi_context_step_over(struct mdi_context *context, uint64_t mask)
{
	gregs(context)[REG_EFL] &= ~(greg_t)EFLAGS_TF;
	(void)exchange_mask(context, mask);
}

void mdi_context_drop_fpu(struct mdi_context *context)
{
	saved(context)->uc_mcontext.fpregs = NULL;
}

uintptr_t mdi_context_pc(const struct mdi_context *context)
{
	return (uintptr_t)gregs(context)[REG_RIP];
}

void mdi_context_set_pc(struct mdi_context *context, const void *pc)
{
	set_selectors(saved(context));
	gregs(context)[REG_RIP] = (greg_t)(uintptr_t)pc;
}

uintptr_t mdi_context_sp(const struct mdi_context *context)
{
	return (uintptr_t)gregs(context)[REG_RSP];
}

void mdi_context_set_register(struct mdi_context *context, unsigned number,
			      uintptr_t value)
{
	static const unsigned char order[16] = {
		REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
		REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
		REG_R12, REG_R13, REG_R14, REG_R15,
	};

	gregs(context)[order[number]] = (greg_t)value;
}

void mdi_context_registers(const struct mdi_context *context,
			   uintptr_t out[MDI_REGISTERS])
{
	static const int order[MDI_REGISTERS] = {
		REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI,
		REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
		REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP, REG_EFL,
	};
	const greg_t *reg = gregs(context);

#pragma GCC unroll 18
	for (size_t i = 0; i < MDI_COUNT(order); i++)
		out[i] = (uintptr_t)reg[order[i]];
}

uint32_t mdi_context_access(const struct mdi_context *context)
{
	const greg_t *reg = gregs(context);

	if (reg[REG_TRAPNO] != TRAP_PAGE_FAULT)
		return 0;
	if (reg[REG_ERR] & PF_FETCH)
		return MODISO_EXEC;
	return reg[REG_ERR] & PF_WRITE ? MODISO_WRITE : MODISO_READ;
}

/* --- a gate that looks at DS and ES --- */

/*
 * A gate's way out of a module, with DS and ES in rcx and rdx: WRPKRU wants 0
 * there, and they are not (gate_pkey.S). Host code comes by as well, when it
 * calls a service.
 */
bool mdi_gate_wants_mending(uintptr_t pc)
{
	uintptr_t far = pc - (uintptr_t)mdi_gate_pkey;

	for (size_t i = 0; i < MDI_COUNT(mdi_rights_back); i++)
		if (far == mdi_rights_back[i])
			return true;
	return false;
}

/* A jumper could have put what WRPKRU wants into the registers himself. */
bool mdi_context_mend(struct mdi_context *context, struct mdi_thread *thread)
{
	greg_t *reg = gregs(context);

	if ((reg[REG_RCX] | reg[REG_RDX]) == 0)
		return false;
	reg[REG_RCX] = 0;
	reg[REG_RDX] = 0;
	mdi_selectors_reload(thread);
	return true;
}

/* --- arithmetic that the CPU tells of late --- */

bool mdi_context_late_wanted(const struct mdi_context *context,
			     const struct mdi_frame *frame)
{
	const struct _libc_fpstate *x87 = saved(context)->uc_mcontext.fpregs;

	return x87 != NULL &&
	       (x87->swd & ~frame->x87_control & X87_EXCEPTIONS) != 0;
}

uintptr_t mdi_context_late_pc(const struct mdi_context *context)
{
	const struct _libc_fpstate *x87 = saved(context)->uc_mcontext.fpregs;

	return x87 != NULL ? (uintptr_t)x87->rip : 0;
}

void mdi_context_late_drop(struct mdi_context *context)
{
	keep_state(saved(context), ~(uint64_t)XSTATE_X87);
}

/* --- was it raised? --- */

static bool at_pc(const siginfo_t *info, const greg_t *reg)
{
	return info->si_addr == (void *)(uintptr_t)reg[REG_RIP];
}

/* Does the siginfo say the same as what the kernel has noted of the CPU? */
static bool is_noted(int signo, const siginfo_t *info, const greg_t *reg)
{
	greg_t trap = reg[REG_TRAPNO];

	switch (signo) {
	case SIGSEGV:
	case SIGBUS:
		return trap == TRAP_CONTROL ||
		       (trap == TRAP_PAGE_FAULT &&
			info->si_addr == (void *)(uintptr_t)reg[REG_CR2]);
	case SIGILL:
		return trap == TRAP_UNDEFINED && at_pc(info, reg);
	case SIGFPE:
		return (trap == TRAP_DIVIDE || trap == TRAP_X87 ||
			trap == TRAP_SIMD) &&
		       at_pc(info, reg);
	default:
		return false;
	}
}

/*
 * The codes that the kernel uses for what is no exception, or notes nothing of:
 * a signal frame or an rseq area that it cannot read, a broken page that was
 * touched, a split lock, tiles that the program has not asked for. They are
 * believed.
 */
static bool is_kernels_word(int signo, const siginfo_t *info, const greg_t *reg)
{
	switch (signo) {
	case SIGSEGV:
		return info->si_code == SI_KERNEL;
	case SIGILL:
		return info->si_code == ILL_ILLOPC && at_pc(info, reg);
	case SIGBUS:
		return info->si_code == SI_KERNEL ||
		       info->si_code == BUS_ADRALN ||
		       info->si_code == BUS_MCEERR_AR;
	case SIGTRAP: /* told behind its instruction, without RF */
		return info->si_code == SI_KERNEL ?
			       reg[REG_TRAPNO] == TRAP_BREAKPOINT :
			       info->si_code <= TRAP_HWBKPT &&
				       reg[REG_TRAPNO] == TRAP_DEBUG;
	case SIGSYS:
		return info->si_call_addr == (void *)(uintptr_t)reg[REG_RIP];
	default:
		return false;
	}
}

/* Does this CPU set RF for a fault? Once it is known not to, that stays. */
enum { MARKS_UNKNOWN, MARKS, MARKS_NOT };

static bool has_mark(bool marked, bool fresh)
{
	uint32_t *cpu = &mdi_arch_state.marks_faults;
	uint32_t known = __atomic_load_n(cpu, __ATOMIC_RELAXED);
	uint32_t now = known;

	if (marked && known == MARKS_UNKNOWN)
		now = MARKS;
	if (!marked && fresh)
		now = MARKS_NOT;
	if (now != known)
		__atomic_store_n(cpu, now, __ATOMIC_RELAXED);
	return marked || now != MARKS;
}

/*
 * A process may send itself signals with any si_code, and timers, files and
 * children can be told to send one of these. So a siginfo alone says nothing.
 * What the kernel notes in the frame is the truth, but of this thread's last
 * exception: a sent signal finds it there as well. The CPU sets RF in the flags
 * that it saves for an exception that an instruction has not got over, and for
 * next to nothing else. Emulated CPUs may not; there a debugger's breakpoint
 * sets it. So an exception that is not the thread's last one, and has no RF,
 * says that this CPU sets none: a signal that is sent there with all the values
 * of the last exception is taken for that one. RF is taken out of the frame, so
 * that a signal that comes before the instruction is run again has none.
 */
bool mdi_context_raised(int signo, const siginfo_t *info, ucontext_t *context,
			uint64_t *last)
{
	greg_t *reg = context->uc_mcontext.gregs;
	bool marked = (reg[REG_EFL] & EFLAGS_RF) != 0, fresh;
	uint64_t noted = (uint64_t)reg[REG_CR2] ^
			 (uint64_t)reg[REG_TRAPNO] << 58 ^
			 (uint64_t)reg[REG_ERR] << 48;

	reg[REG_EFL] &= ~(greg_t)EFLAGS_RF;
	if (info->si_code <= 0)
		return false;
	if (is_kernels_word(signo, info, reg))
		return true;
	if (!is_noted(signo, info, reg))
		return false;
	fresh = last != NULL && *last != noted;
	if (last != NULL)
		*last = noted;
	return has_mark(marked, fresh);
}
