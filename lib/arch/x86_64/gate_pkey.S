/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/gate_pkey.S - into a module and back, with protection keys.
 *
 * Entry, at a thunk's jump (slot->enter):
 *
 *	register        on entry                in the module
 *	rdi..r9         arguments               arguments
 *	xmm0-7          arguments               arguments
 *	r11             slot                    scratch
 *	rbx r12-15      the host's              the gate's scratch; scrubbed: 0
 *	rbp             the host's              the host's, by which profilers
 *	                                        go on from a module's frames to
 *	                                        the host's; scrubbed: 0
 *	rsp             host, at return addr    link - 16, at return address
 *	FS base         the thread's            the same; with TLS the module's
 *
 * Module's stack when the entry function begins (link is 8 modulo 16):
 *
 *	link - 8        the frame's address, for debuggers; never trusted
 *	link - 16       return address, .Lexit
 *
 * With words on the stack (mdi_gate_pkey_many and its kin):
 *
 *	link - 8        the frame's address
 *	link - 88       STACK_WORDS words, the seventh one first
 *	link - 96       return address
 *
 * What is trusted. Before the first WRPKRU everything is the host's: GS is
 * compared with the thread-local mdi_here, so a stray write to either leads
 * to the slow path, never to a forged block. After it nothing is, but for the
 * open page at GS, which no module can write. After the second WRPKRU no
 * register is: r10 is masked into the table of blocks; the block must name
 * this FS base, or its innermost frame that of a module with TLS; EAX must be
 * the block's host_rights. A thread that jumps here
 * with registers of its choice can only leave its own innermost gate.
 *
 * A module that can execute WRFSBASE and WRGSBASE can pose as another thread
 * that is inside a module; that is why the scanner refuses those.
 *
 * A signal here. The free frame names its module (F_LINK) before it is taken
 * (T_FRAME moved): core/frames.h says why, and what a handler puts back. All
 * else of it is written after it was taken, and read before it is given back:
 * a handler that calls gates in between uses the next one. Kernel frames go to
 * the alternate stack, so RSP may be anything.
 *
 *	a signal before         finds the thread        and puts back
 *	F_LINK is stored        outside                 nothing
 *	T_FRAME is moved        outside                 the free frame's F_LINK
 *	RO_PKRU is stored       inside, on host stack,  nothing
 *	                        or the module's
 *	WRPKRU                  the same                the store: RIP goes back
 *	T_FRAME is moved back   inside                  RO_PKRU
 *	retq                    outside                 nothing
 *
 * At the limit there is no memory where the free frame would be: the store of
 * F_LINK faults, and nothing was changed but registers that carry no argument
 * (mdi_gate_overflow).
 *
 * Another thread that takes the module's key away. It makes the stacks of all
 * links to the module 0, lets every thread pass a barrier (membarrier(2)), and
 * then looks whether a frame names the module. Here the module is named and the
 * frame taken before the link is read: so either it sees the frame, or this
 * code sees 0. The rights are read before the stack: a stack that is not 0
 * after them says that they were right when the frame was taken.
 *
 * Where the instructions of a call go, of two words at most: 70 with the call
 * of the thunk and the module's return. None is there that a promise of
 * doc/DESIGN does not ask for; what each would let through is on the right.
 * Six fewer would do, by fldenv and popfq, and take twice the time (gate.h).
 *
 *	 2	call, return		the caller's, and the module's
 *	 3	thunk			endbr64, as all that pointers lead to;
 *					the slot; the jump to its gate
 *	 4	whose block		a GS base that the program has changed,
 *					a thread that is not attached or ready
 *	 4	the frame, its module	a handler that uses the same frame, and
 *					an eviction that does not see the module
 *	 9	registers, stack pointer,
 *		modes into the frame	a module that changes one of them
 *	 2	rights and stack	compared below; those of another module
 *	 2	is there a stack	a key that is another module's by now.
 *					To fault at a stack of 0 would be found
 *					out at 11,000 instructions, not 400
 *	 1	the frame, pushed	unwinding through the module
 *	 1	the entry		the slot is closed behind WRPKRU
 *	 6	stored, WRPKRU,
 *		compared		a jump to it, with other rights
 *	 1	call
 *	 4	the result put aside,
 *		DS, ES			WRPKRU wants EAX, ECX, EDX; 0 in the
 *					last two would cost as much
 *	 1	WRPKRU
 *	 8	whose block, whose	a jump to it; a GS base of the module's
 *		rights			making, another thread's block
 *	 7	frame, registers
 *	 3	stack pointer, MXCSR,
 *		GS base
 *	 5	x87			its stack, exceptions and modes
 *	 1	the frame is free
 *	 4	flags			AC, DF, TF, NT that the module has set
 *	 2	result, return
 *
 * Into a guarded module there is one more: the selector, on the way out.
 *
 * Into one with TLS (core/tls.h) there are 6 more, 76 in all: the place of the
 * pointer in the block, the pointer, to the frame, and WRFSBASE; on the way out
 * the host's pointer and WRFSBASE. That FS is what the frame says, and not what
 * the block says, is no instruction more.
 *
 * A scrubbed one with one word has 88: fxrstor and vzeroupper; ten registers
 * that are no arguments, and rax; four for FS and GS, whose selectors no WRPKRU
 * looks at; the jump to the common way out, because each WRPKRU is one more
 * place to jump to.
 *
 * A recorded one has 14 more (gate.h: RECORD_BEGIN, RECORD_END), behind the
 * checks, where the block is known to be this thread's.
 */
#include "arch/x86_64/gate.h"

	GATE_TEXT

/* A service's way in, once the frame in rcx has the module's stack pointer */
#define CFI_TO_SERVICE \
	.cfi_escape 0x0f, 5, 0x72, (F_SERVICE_SP - F_SIZE) & 0x7f, 0x06, \
		0x23, 8

/* Between the switch of stacks and the push of the frame: CFA by a register */
#define CFI_FRAME_IN(breg) \
	.cfi_escape 0x0f, 5, breg, F_RSP, 0x06, 0x23, 8
#define BREG_RAX 0x70
#define BREG_RCX 0x72

/* r10: this thread's block, attached and ours. */
.macro FIND_BLOCK
	movq	mdi_here@gottpoff(%rip), %rax
	rdgsbase %r10
	cmpq	%fs:H_READY(%rax), %r10
	jne	mdi_gate_pkey_slow
.endm

/* Behind the store that takes the frame. */
.macro FILL_FRAME frame
	SAVE_REGS \frame
	movq	%rsp, F_RSP(\frame)
	stmxcsr	F_MXCSR(\frame)
	fnstcw	F_X87(\frame)
.endm

/*
 * The module's thread pointer into FS, and into the frame: that is what says on
 * the way out whose block it is. The frame is written first, so that a handler
 * on a strange stack (signal.S) knows the pointer as soon as it is there. No
 * instruction up to the store of RIGHTS_MODULE uses FS or goes anywhere else,
 * and who has jumped here does not get past that store. r15 is the gate's.
 */
.macro POINTER_MODULE frame
	movl	S_TLS(%r11), %r15d
	addq	(%r10,%r15), %r15
	movq	%r15, F_TP(\frame)
	wrfsbase %r15
.endm

/*
 * Registers into a frame, stack into the module, its rights into eax, the third
 * word into r12. xmm15 carries no argument, and the six words leave no other
 * register.
 */
.macro ENTER_PKEY recorded, tls
	FIND_BLOCK
	movq	T_FRAME(%r10), %rax
	movd	S_LINK(%r11), %xmm15
	movd	%xmm15, F_LINK(%rax)
	addq	$F_SIZE, T_FRAME(%r10)
	FILL_FRAME %rax
	movl	F_LINK(%rax), %r12d
	movq	L_PKRU(%r10,%r12), %rbx
	movq	L_STACK(%r10,%r12), %rsp
	.cfi_remember_state
	CFI_FRAME_IN(BREG_RAX)
	testq	%rsp, %rsp
	jz	mdi_gate_pkey_no_stack
	pushq	%rax
	CFI_IN_MODULE
	movq	%rdx, %r12
.if \tls
	POINTER_MODULE %rax
.endif
.if \recorded
	movq	%rax, %r14
	RECORD_BEGIN %r14
.endif
	movq	%rbx, %rax
.endm

/* The same with two moves less, where rcx and rdx carry no arguments. */
.macro ENTER_PKEY_TWO recorded, tls
	FIND_BLOCK
	movq	T_FRAME(%r10), %rcx
	movl	S_LINK(%r11), %edx
	movl	%edx, F_LINK(%rcx)
	addq	$F_SIZE, T_FRAME(%r10)
	FILL_FRAME %rcx
.if \recorded
	RECORD_BEGIN %rcx
	movl	S_LINK(%r11), %edx
.endif
	movq	L_PKRU(%r10,%rdx), %rax
	movq	L_STACK(%r10,%rdx), %rsp
	.cfi_remember_state
	CFI_FRAME_IN(BREG_RCX)
	testq	%rsp, %rsp
	jz	mdi_gate_pkey_no_stack_two
	pushq	%rcx
	CFI_IN_MODULE
.if \tls
	POINTER_MODULE %rcx
.endif
.endm

/*
 * cmpl %gs:RO_PKRU, %eax, with a REX prefix that means nothing. Without it the
 * bytes mean the same in 32-bit code, where a module's GS base counts as far as
 * its lower half: a module can go there by a far jump, and to the WRPKRU in
 * front of this where the library lies below 4 GiB. With it they are "inc %eax;
 * cmpl %ds:RO_PKRU, %eax" there: of address 0, a fault. What follows the other
 * WRPKRUs is no instruction of 32-bit code (rdgsbase, rdfsbase).
 */
.macro COMPARE_OPEN_PKRU
	.byte	0x65, 0x40, 0x3b, 0x04, 0x25
	.long	RO_PKRU
.endm

/*
 * To the rights in eax, and with them the selector in the byte above. The store
 * comes last: behind it the kernel refuses the host's own system calls, a
 * handler's end among them, so a handler that comes between the two goes back
 * to the store (mdi_rights_in; core/guard.h). Who jumps to the store has no
 * right to write there; who jumps behind it has no say in what is compared.
 */
.macro RIGHTS_MODULE
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	STORE_OPEN_RIGHTS
	WRPKRU
	COMPARE_OPEN_PKRU
	jne	mdi_gate_bad
.endm

/* MDI_RIGHTS_STORE bytes. */
.macro STORE_OPEN_RIGHTS
	movq	%rax, %gs:RO_PKRU
.Lsite\@:
	.pushsection mdi_rights_sites, "a", @progbits
	.p2align 2
	.long	.Lsite\@ - .
	.popsection
.endm

/* Host rights, and in r10 a block that is this thread's. Keeps rsi, r11. */
.macro RIGHTS_HOST
	movl	%gs:RO_HOST_PKRU, %eax
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	HOST_BLOCK mdi_gate_bad
.endm

/*
 * The same for a thread that comes out of a module, which may have changed DS
 * and ES. They are 0 in 64-bit programs, and WRPKRU traps unless ecx and edx
 * are: so it looks at both at no cost. What the trap comes to is in C
 * (context.c: mdi_context_mend); @label is the instruction.
 */
.macro SELECTORS_BACK
	movl	%gs:RO_HOST_PKRU, %eax
	movl	%ds, %ecx
	movl	%es, %edx
.endm

.macro RIGHTS_BACK label, other=mdi_gate_bad
	SELECTORS_BACK
\label:
	HOST_BLOCK \other
.endm

/* @other: where a thread goes whose FS base is not the block's: rcx has it. */
.macro HOST_BLOCK other
	WRPKRU_BLOCK
	rdfsbase %rcx
	cmpq	T_FS_BASE(%r10), %rcx
	jne	\other
	cmpl	T_HOST_PKRU(%r10), %eax
	jne	mdi_gate_bad
.endm

.macro WRPKRU_BLOCK
	WRPKRU
	rdgsbase %r10
	andl	$MDI_BLOCK_MASK, %r10d
	addq	A_BLOCKS+mdi_arch_state(%rip), %r10
.endm

/*
 * The same out of a module with TLS: FS is still the module's, and must be what
 * its gate has written into the block's innermost frame, in front of rcx. No
 * two threads have the same pointer, and no code of a module can change it
 * (WRFSBASE) that the scanner has passed; a selector makes it 0, which is in no
 * frame. A jumper that has brought another block meets that block's frame.
 */
.macro RIGHTS_BACK_TLS label
	SELECTORS_BACK
\label:
	WRPKRU_BLOCK
	movq	T_FRAME(%r10), %rcx
	rdfsbase %rdx
	cmpq	-F_SIZE+F_TP(%rcx), %rdx
	jne	mdi_gate_bad
	cmpl	T_HOST_PKRU(%r10), %eax
	jne	mdi_gate_bad
.endm

/*
 * Out of a module: rax is its result. @label is for RIGHTS_BACK. @guarded: the
 * kernel's answer to system calls becomes yes again, as soon as it is known
 * whose block this is. Should a guarded module jump to the other way out, the
 * host's next system call is refused, and allowed then (core/guard.c).
 */
.macro WAY_OUT guarded, recorded, tls, label
	movq	%rax, %rsi
.if \tls
	RIGHTS_BACK_TLS \label
.else
	RIGHTS_BACK \label
.endif
.if \guarded
	movb	$0, RO_SELECTOR(%r10)
.endif
.ifeq \tls
	movq	T_FRAME(%r10), %rcx
.endif
.if \recorded
	RECORD_END %rcx, O_BEGIN, %r11, %r11d
.endif
	LOAD_REGS %rcx, -F_SIZE
	movq	-F_SIZE+F_RSP(%rcx), %rsp
	.cfi_restore_state
	ldmxcsr	-F_SIZE+F_MXCSR(%rcx)
	X87_HOST -F_SIZE+F_X87(%rcx)
.if \tls
	movq	T_FS_BASE(%r10), %rdx
	wrfsbase %rdx
.endif
	wrgsbase %r10
	subq	$F_SIZE, T_FRAME(%r10)
	FLAGS_HOST A_FLAGS+mdi_arch_state(%rip), cfa=1
	movq	%rsi, %rax
	retq
.endm

/*
 * The scrubbing gates, one for each number of words: what is no argument
 * enters as zero. fxrstor loads zeros into the x87 stack and xmm0-15,
 * vzeroupper clears what lies above them.
 */
.macro SCRUB_IN recorded, tls, words
.if \words > 2
	ENTER_PKEY \recorded, \tls
.else
	ENTER_PKEY_TWO \recorded, \tls
.endif
	movq	S_ENTRY(%r11), %r11
	fxrstor	mdi_clean_fpu(%rip)
	vzeroupper
.if \words > 3
	movq	%rcx, %r13
.elseif \words > 2
	xorl	%r13d, %r13d
.endif
.if \words < 1
	xorl	%edi, %edi
.endif
.if \words < 2
	xorl	%esi, %esi
.endif
.if \words < 5
	xorl	%r8d, %r8d
.endif
.if \words < 6
	xorl	%r9d, %r9d
.endif
.endm

.macro SCRUB kind, recorded, tls, words
GATE(mdi_gate_\kind\()_scrub_\words)
	SCRUB_IN \recorded, \tls, \words
.if \words > 2
	jmp	.Lscrubbed_six_\kind
.else
	jmp	.Lscrubbed_\kind
.endif
	.cfi_restore_state
ENDF(mdi_gate_\kind\()_scrub_\words)
.endm

/*
 * On the way out, still with the module's rights: as a rule both are 0. One
 * that has changed has changed a base as well, and is a fault.
 */
.macro SAME_SELECTORS kind
	movl	%fs, %ecx
	movl	%gs, %edx
	orl	%edx, %ecx
	jnz	.Lselectors_\kind
.endm

/* Words and floats are scrubbed; rdx and rcx are in r12 and r13. */
.macro CALL_SCRUBBED_SIX
	xorl	%ebx, %ebx
	xorl	%ebp, %ebp
	xorl	%r10d, %r10d
	xorl	%r14d, %r14d
	xorl	%r15d, %r15d
	RIGHTS_MODULE
	movq	%r12, %rdx
	movq	%r13, %rcx
	xorl	%r12d, %r12d
	xorl	%r13d, %r13d
	xorl	%eax, %eax
	CALL_MODULE
.endm

/*
 * All gates into modules of a kind: "pkey", or "guard", guarded ones; and the
 * same where calls are recorded.
 */
.macro GATES kind, guarded, recorded, tls

/* Up to two words: rdx and rcx carry nothing. */
GATE(mdi_gate_\kind)
	PERSONALITY(mdi_unwind_module)
	ENTER_PKEY_TWO \recorded, \tls
	movq	S_ENTRY(%r11), %r11
	RIGHTS_MODULE
	CALL_MODULE
.Lexit_\kind:
	WAY_OUT \guarded, \recorded, \tls, .Lexit_rights_\kind
ENDF(mdi_gate_\kind)

GATE(mdi_gate_\kind\()_six)
	PERSONALITY(mdi_unwind_module)
	ENTER_PKEY \recorded, \tls
	movq	S_ENTRY(%r11), %r11
	movq	%rcx, %r13
	RIGHTS_MODULE
	movq	%r12, %rdx
	movq	%r13, %rcx
	CALL_MODULE
	jmp	.Lexit_\kind
	.cfi_restore_state
ENDF(mdi_gate_\kind\()_six)

	SCRUB \kind, \recorded, \tls, 0
	SCRUB \kind, \recorded, \tls, 2
	SCRUB \kind, \recorded, \tls, 3
	SCRUB \kind, \recorded, \tls, 4
	SCRUB \kind, \recorded, \tls, 5
	SCRUB \kind, \recorded, \tls, 6

/*
 * With float arguments, or on a CPU without AVX or with AVX-512: what the
 * slot counts as arguments is kept, the rest goes register by register.
 */
GATE(mdi_gate_\kind\()_scrub_any)
	ENTER_PKEY \recorded, \tls
	movq	%rcx, %r13
	SCRUB_FLOATS
	SCRUB_WORDS
	movq	S_ENTRY(%r11), %r11
	jmp	.Lscrubbed_six_\kind
	.cfi_restore_state
ENDF(mdi_gate_\kind\()_scrub_any)

/* With words on the stack: gate.h, COPY_STACK_WORDS. */
GATE(mdi_gate_\kind\()_many)
	PERSONALITY(mdi_unwind_module)
	ENTER_PKEY \recorded, \tls
	movq	%rcx, %r13
	COPY_STACK_WORDS
	movq	S_ENTRY(%r11), %r11
	RIGHTS_MODULE
	movq	%r12, %rdx
	movq	%r13, %rcx
	CALL_MODULE
	DROP_STACK_WORDS
	jmp	.Lexit_\kind
	.cfi_restore_state
ENDF(mdi_gate_\kind\()_many)

GATE(mdi_gate_\kind\()_scrub_many)
	PERSONALITY(mdi_unwind_module)
	ENTER_PKEY \recorded, \tls
	movq	%rcx, %r13
	COPY_STACK_WORDS
	SCRUB_FLOATS
	movq	S_ENTRY(%r11), %r11
	CALL_SCRUBBED_SIX
	DROP_STACK_WORDS
	SAME_SELECTORS \kind
	jmp	.Lexit_\kind
	.cfi_restore_state
ENDF(mdi_gate_\kind\()_scrub_many)

/*
 * With one word, and the common end of all of them, on the module's stack,
 * which comes next: so the gate that most calls go by needs no jump to it.
 */
GATE(mdi_gate_\kind\()_scrub_1)
	PERSONALITY(mdi_unwind_module)
	SCRUB_IN \recorded, \tls, 1
.Lscrubbed_\kind:
	xorl	%ebx, %ebx
	xorl	%ebp, %ebp
	xorl	%r10d, %r10d
	xorl	%r12d, %r12d
	xorl	%r13d, %r13d
	xorl	%r14d, %r14d
	xorl	%r15d, %r15d
	RIGHTS_MODULE
	xorl	%eax, %eax
	CALL_MODULE
	SAME_SELECTORS \kind
	jmp	.Lexit_\kind
.Lscrubbed_six_\kind:
	CALL_SCRUBBED_SIX
	SAME_SELECTORS \kind
	jmp	.Lexit_\kind
.Lselectors_\kind:
	movl	%fs, %ecx
	cmpw	%cx, %gs:RO_SELECTORS+4
	jne	mdi_gate_bad
	movl	%gs, %ecx
	cmpw	%cx, %gs:RO_SELECTORS+6
	jne	mdi_gate_bad
	jmp	.Lexit_\kind
ENDF(mdi_gate_\kind\()_scrub_1)
.endm

	GATES pkey, 0, 0, 0
	GATES guard, 1, 0, 0
	GATES pkey_rec, 0, 1, 0
	GATES guard_rec, 1, 1, 0
	GATES pkey_tls, 0, 0, 1
	GATES guard_tls, 1, 0, 1
	GATES pkey_tls_rec, 0, 1, 1
	GATES guard_tls_rec, 1, 1, 1

/*
 * No stack for this module yet, or it is in use, or the rights went away: rax,
 * or rcx, is the frame, rbx, r12 and rsp are the gate's. Undo, and take the
 * slow path.
 */
GATE(mdi_gate_pkey_no_stack_two)
	CFI_FRAME_IN(BREG_RCX)
	movq	%rcx, %rax
	jmp	mdi_gate_pkey_no_stack
ENDF(mdi_gate_pkey_no_stack_two)

GATE(mdi_gate_pkey_no_stack)
	CFI_FRAME_IN(BREG_RAX)
	movq	F_RSP(%rax), %rsp
	.cfi_def_cfa %rsp, 8
	movq	F_R12(%rax), %r12
	movq	F_RBX(%rax), %rbx
	subq	$F_SIZE, T_FRAME(%r10)
	jmp	mdi_gate_pkey_slow
ENDF(mdi_gate_pkey_no_stack)

/*
 * In front of a gate, when not all keys are the library's: what the program
 * has made of its own rights is what it gets back. The store to the block says
 * that this is host code; rdx and rcx wait where no arguments travel.
 */
GATE(mdi_gate_pkey_own)
	movq	mdi_here@gottpoff(%rip), %rax
	rdgsbase %r10
	cmpq	%fs:H_READY(%rax), %r10
	jne	mdi_gate_pkey_slow
	movq	%rdx, %xmm14
	movq	%rcx, %xmm15
	xorl	%ecx, %ecx
	RDPKRU
	movl	%eax, T_HOST_PKRU(%r10)
	movl	%eax, RO_HOST_PKRU(%r10)
	movq	%xmm14, %rdx
	movq	%xmm15, %rcx
	notrack jmpq *S_NEXT(%r11)
ENDF(mdi_gate_pkey_own)

/* Ask C for what is missing, then begin again or fail. */
GATE(mdi_gate_pkey_slow)
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	SAVE_WORDS
	cmpl	$0, S_FLOATS(%r11)
	je	.Lwords_only
	SAVE_FLOATS
.Lwords_only:
	movq	%r11, %rdi
	callq	*A_GATE_SLOW+mdi_arch_state(%rip)
	LOAD_WORDS
	cmpl	$0, S_FLOATS(%r11)
	je	.Lwords_again
	LOAD_FLOATS
.Lwords_again:
	DROP_ARGS
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	testl	%eax, %eax
	jnz	mdi_gate_fail
	notrack jmpq *S_INNER(%r11)
ENDF(mdi_gate_pkey_slow)

/*
 * A module calls a service: r11d is its number, the stack is the module's.
 * rdx and rcx wait in xmm14 and xmm15, which carry no arguments.
 *
 * Host code may call the same thunk. Its GS base is none of ours or, on a
 * thread that is not attached, its creator's: the open page there names another
 * FS base. Or its innermost gate is in a service; or there is none: what lies
 * in front of the first frame looks like one in a service. In all these cases
 * the function is called directly, with the rights that the caller has.
 *
 * Host code may switch stacks in the service, and the thread may not be the
 * same on its way back, nor the innermost gate the one that the service was
 * called from. So the end of the frame, which is the free one, is pushed on the
 * host's stack, where no module can write, and must be the free one of this
 * thread when the service returns; and the block is compared with the
 * thread-local one, as on a gate's way in.
 *
 * SERVICE_SP says what the thread does (0: it is in the module, 1: a handler
 * has interrupted that), and a module can call with any RSP. So memory is read
 * there first: nothing lies at 0 and 1, and it faults while the module counts
 * as running.
 *
 *	register   at the thunk   at CALL_SERVICE   behind it      in the module
 *	rdi..r9    arguments      arguments         scratch        0
 *	rax        -              scratch           result         result
 *	rsi        argument       argument          result         0
 *	rcx, rdx   arguments      arguments         free frame,    0
 *	                                            link
 *	r10        -              block             block          0
 *	r11        number         function          scratch        0
 *	rsp        module's       host's            host's         module's
 *	FS base    module's       host's            host's         module's
 */
.macro SERVICE kind, recorded
FUNC(mdi_service_\kind)
	PERSONALITY(mdi_unwind_service)
	CFI_LEADS_DOWN
	rdgsbase %r10
	testq	%r10, %r10
	jz	.Ldirect_\kind
	rdfsbase %r10
	cmpq	%gs:RO_FS_BASE, %r10
	jne	.Lother_\kind
.Lcalled_\kind:
	movq	%rdx, %xmm14
	movq	%rcx, %xmm15
	RIGHTS_BACK .Lservice_rights_\kind, .Lpointer_\kind
.Lback_\kind:
	movb	$0, RO_SELECTOR(%r10)
	movq	T_FRAME(%r10), %rcx
	cmpq	$0, -F_SIZE+F_SERVICE_SP(%rcx)
	jne	.Ldirect_again_\kind
	/* The frame's word of a service is RSP: no number that says else. */
	testb	$0, (%rsp)
	andl	$MDI_SERVICE_SLOTS-1, %r11d
	movl	%r11d, -F_SIZE+F_SERVICE(%rcx)
.if \recorded
	movl	%r11d, -F_SIZE+O_SERVICE(%rcx)
.endif
	stmxcsr	-F_SIZE+F_MODULE_MXCSR(%rcx)
	fnstcw	-F_SIZE+F_MODULE_X87CW(%rcx)
	movl	-F_SIZE+F_LINK(%rcx), %eax
	movq	L_STACK(%r10,%rax), %rdx
	movq	%rdx, -F_SIZE+F_STACK(%rcx)
	movq	$0, L_STACK(%r10,%rax)
	movq	%rsp, -F_SIZE+F_SERVICE_SP(%rcx)
	.cfi_remember_state
	CFI_TO_SERVICE
	movq	-F_SIZE+F_RSP(%rcx), %rsp
	andq	$-16, %rsp
	FLAGS_HOST
	KEEP_FIRST
	pushq	-F_SIZE+F_SERVICE_SP(%rcx)
	pushq	%rcx
	CFI_IN_SERVICE
	ldmxcsr	-F_SIZE+F_MXCSR(%rcx)
	X87_HOST -F_SIZE+F_X87(%rcx)
	leaq	A_SERVICES+mdi_arch_state(%rip), %rcx
	shll	$V_SHIFT, %r11d
	testb	$MDI_SERVICE_ASK, V_FLAGS(%rcx,%r11)
	jnz	.Lask_\kind
.Lallowed_\kind:
	movq	V_FUNCTION(%rcx,%r11), %r11
.if \recorded
	movq	(%rsp), %rcx
	RECORD_TIME -F_SIZE+O_SERVICE_BEGIN(%rcx)
.endif
	movq	%xmm14, %rdx
	movq	%xmm15, %rcx
	CALL_SERVICE
	/*
	 * Back. From SERVICE_SP := 0 on the module's code counts as running.
	 * The rights are read after it, as on the way in; and the stack goes
	 * into the link after it, so that no signal handler finds it free
	 * before.
	 */
	movq	%rax, %rsi
	movq	mdi_here@gottpoff(%rip), %rax
	rdgsbase %r10
	cmpq	%fs:H_BLOCK(%rax), %r10
	jne	.Lswitched_\kind
	movq	T_FRAME(%r10), %rcx
	cmpq	%rcx, (%rsp)
	jne	.Lswitched_\kind
.if \recorded
	RECORD_END %rcx, O_SERVICE_BEGIN, %r11, %r11d
.endif
	movl	-F_SIZE+F_LINK(%rcx), %edx
	/* The only mode, as a rule; above it, MODE_TLS. */
	cmpb	$MODE_SCRUB, L_SCRUB(%r10,%rdx)
	jae	.Lscrub_result_\kind
.Lmodes_\kind:
	ldmxcsr	-F_SIZE+F_MODULE_MXCSR(%rcx)
	fldcw	-F_SIZE+F_MODULE_X87CW(%rcx)
	movq	-F_SIZE+F_STACK(%rcx), %rdi
	movq	-F_SIZE+F_SERVICE_SP(%rcx), %rsp
	.cfi_restore_state
	movq	$0, -F_SIZE+F_SERVICE_SP(%rcx)
	movq	L_PKRU(%r10,%rdx), %rax
	movq	%rdi, L_STACK(%r10,%rdx)
	xorl	%edi, %edi
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	xorl	%r10d, %r10d
	xorl	%r11d, %r11d
	CLEAR_XMM 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	RIGHTS_MODULE
	movq	%rsi, %rax
	xorl	%esi, %esi
	retq
.Lscrub_result_\kind:
	.cfi_remember_state
	CFI_IN_SERVICE
	/*
	 * x87, all of each vector register and of xmm0 what is no result. What
	 * the service has left pending is raised first, as the host's. Flags
	 * are of the comparison.
	 */
	fwait
	ja	.Lpointer_back_\kind
.Lscrub_all_\kind:
	X87_CLEAR
	CLEAR_WIDE
	movq	%xmm0, %xmm0
	movl	-F_SIZE+F_SERVICE(%rcx), %eax
	shlq	$V_SHIFT, %rax
	leaq	A_SERVICES+mdi_arch_state(%rip), %rdi
	testb	$MDI_SERVICE_FLOAT, V_FLAGS(%rdi,%rax)
	jnz	.Lmodes_\kind
	xorps	%xmm0, %xmm0
	jmp	.Lmodes_\kind
.Lpointer_back_\kind:
	/* Nothing from here on uses FS. */
	movq	-F_SIZE+F_TP(%rcx), %rax
	wrfsbase %rax
	HOST_ONLY
	testb	$MODE_SCRUB, L_SCRUB(%r10,%rdx)
	jnz	.Lscrub_all_\kind
	jmp	.Lmodes_\kind
	.cfi_restore_state
	/*
	 * FS is not the thread's: a module with TLS, or host code on a thread
	 * that is not attached. The word at the pointer tells which; a module
	 * can write there, and is believed no further: the frame is asked.
	 */
.Lother_\kind:
	rdgsbase %r10
	cmpq	%fs:TCB_BLOCK, %r10
	jne	.Ldirect_\kind
	jmp	.Lcalled_\kind
.Lpointer_\kind:
	movq	T_FRAME(%r10), %rdx
	cmpq	-F_SIZE+F_TP(%rdx), %rcx
	jne	mdi_gate_bad
	cmpl	T_HOST_PKRU(%r10), %eax
	jne	mdi_gate_bad
	movq	T_FS_BASE(%r10), %rcx
	wrfsbase %rcx
	HOST_ONLY
	jmp	.Lback_\kind
.Lask_\kind:
	/* Four words were pushed: SAVE_ARGS keeps the stack at 16. */
	.cfi_remember_state
	CFI_IN_SERVICE
	SAVE_ARGS
	CFI_BEHIND_ARGS
	movq	%xmm14, 16(%rsp)
	movq	%xmm15, 24(%rsp)
	movl	%r11d, %edi
	shrl	$V_SHIFT, %edi
	leaq	T_FS_BASE(%r10), %rsi
	callq	*A_SERVICE_ALLOWED+mdi_arch_state(%rip)
	LOAD_ARGS
	KEEP_ARGS
	CFI_IN_SERVICE
	movq	%rdx, %xmm14
	movq	%rcx, %xmm15
	rdgsbase %r10
	testl	%eax, %eax
	jz	.Lrefused_\kind
	leaq	A_SERVICES+mdi_arch_state(%rip), %rcx
	jmp	.Lallowed_\kind
.Lswitched_\kind:
	callq	*A_FRAMES_SWITCHED+mdi_arch_state(%rip)
.Lrefused_\kind:
	/* mdi_service_allowed() has written the record of the fault. */
	movq	T_FRAME(%r10), %rcx
	movq	-F_SIZE+F_RSP(%rcx), %rsp
	jmp	mdi_gate_recover
	.cfi_restore_state
.Ldirect_again_\kind:
	movq	%xmm14, %rdx
	movq	%xmm15, %rcx
.Ldirect_\kind:
	SERVICE_DIRECT
ENDF(mdi_service_\kind)
.endm

	SERVICE pkey, 0
	SERVICE pkey_rec, 1

/* Where each kind of gates is: struct mdi_gate_family. */
	.section .rodata
	.p2align 2
LABEL(mdi_gate_families)
	.irp	kind, pkey, guard, pkey_rec, guard_rec, pkey_tls, guard_tls, \
		pkey_tls_rec, guard_tls_rec
	.long	mdi_gate_\kind - mdi_gate_pkey
	.long	.Lexit_\kind - mdi_gate_pkey
	.long	mdi_gate_\kind\()_six - mdi_gate_pkey
	.endr
/* The instructions that trap when DS or ES is not 0: for core/fault.c. */
LABEL(mdi_rights_back)
	.irp	kind, pkey, guard, pkey_rec, guard_rec, pkey_tls, guard_tls, \
		pkey_tls_rec, guard_tls_rec
	.long	.Lexit_rights_\kind - mdi_gate_pkey
	.endr
	.long	.Lservice_rights_pkey - mdi_gate_pkey
	.long	.Lservice_rights_pkey_rec - mdi_gate_pkey
	GATE_TEXT

/*
 * Back into a guarded module that a handler has interrupted. The handler's end
 * is a system call, so the selector must say yes when it leads here.
 *
 *	register        on entry                        in the module
 *	rax             its rights, and the selector    as it was
 *	rcx rdx         0                               as they were
 *	rsp             struct mdi_resume_words, in     as it was
 *	                the module's own memory
 *	flags           clean                           as they were
 *	GS              the thread's block              the same
 *	all else        as it was                       as it was
 *
 * What is trusted: GS and rax, which come from memory of the host's alone
 * (core/guard.c). From WRPKRU on it is the module that runs, on what it may
 * have changed: other threads of it can write those words, as they can its
 * stack. A module that jumps here can do what it may do anyway: the first store
 * is not for it, and the rest goes by its own rights.
 *
 * A signal here. Before WRPKRU the thread has host rights, behind it some
 * registers are not yet the module's. So a handler that finds the thread here
 * takes the rest from where this code would have: it has interrupted the module
 * (mdi_context_settle). No other code of this thread writes those words or
 * RO_RESUME before that.
 */
GATE(mdi_resume)
	.cfi_undefined %rip
	STORE_OPEN_RIGHTS
	WRPKRU
	COMPARE_OPEN_PKRU
	jne	mdi_gate_bad
	popq	%rax
	popq	%rcx
	popq	%rdx
	popfq
	popq	%rsp
	jmpq	*%gs:RO_RESUME
LABEL(mdi_resume_end)
ENDF(mdi_resume)

/* See frame.h. The crash is what this is for; it returns from neither. */
FUNC(mdi_probe_closed)
	movl	%edi, %eax
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	WRPKRU
	testl	$1, %eax
	jz	mdi_gate_bad
	ud2
ENDF(mdi_probe_closed)

/*
 * Host code changes its own rights to the host_rights of its open page. Refused
 * to a thread whose frames say that module code runs.
 */
FUNC(mdi_rights_reload)
	RIGHTS_HOST
	movq	T_FRAME(%r10), %rax
	cmpq	$0, -F_SIZE+F_SERVICE_SP(%rax)
	je	mdi_gate_bad
	retq
ENDF(mdi_rights_reload)

SERVICE_THUNKS(mdi_service_thunks_pkey, mdi_service_pkey)
SERVICE_THUNKS(mdi_service_thunks_pkey_rec, mdi_service_pkey_rec)
END_OF_FILE
