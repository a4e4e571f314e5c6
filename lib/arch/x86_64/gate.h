/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/gate.h - pieces that the gates of both backends are made of.
 *
 * Register conventions inside of gates:
 *
 *	rdi rsi rdx rcx r8 r9, xmm0-7   arguments, on their way in
 *	r11     struct mdi_gate_slot, or the number of a service
 *	r10     the thread's block
 *	rax     struct mdi_frame on the way in; scratch
 */
#ifndef MDI_ARCH_X86_64_GATE_H
#define MDI_ARCH_X86_64_GATE_H

#include "arch/x86_64/asm.h"
#include "arch/x86_64/frame.h"

/*
 * The calls at which a module's frames meet the host's. Their return addresses
 * are listed, each relative to its own place: unwind.c must know them from the
 * other calls in a gate.
 */
.macro CALL_LISTED list
	callq	*%r11
.Lsite\@:
	LIST_PLACE \list, .Lsite\@
.endm
#define CALL_MODULE  CALL_LISTED mdi_module_sites
#define CALL_SERVICE CALL_LISTED mdi_service_sites

/*
 * The x87's exceptions are told at the next instruction that waits for them. On
 * the way out of a module it is this one, and what a module has left behind is
 * not to end there: core/trap.c, wants_mending.
 */
.macro HEARS_LATE instruction:vararg
.Lsite\@:
	\instruction
	LIST_PLACE mdi_late_sites, .Lsite\@
.endm

/*
 * What a module may have changed of the x87 and the flags is looked at before
 * it is loaded: fldenv and popfq take 115 and 25 cycles of the time stamp
 * counter where what is here takes 8 and 2, and two WRPKRUs 67 (Intel family 6,
 * model 207). Both run with the host's rights, and use rax.
 */

/*
 * Flags as every function expects them: DF, AC, TF and NT are clear. From
 * A_FLAGS they are HOST_ONLY as well, behind a write of a segment base. @cfa:
 * where the CFA is counted from RSP.
 */
.macro FLAGS_HOST unclean=$FLAGS_UNCLEAN, cfa=0
	pushfq
.if \cfa
	.cfi_adjust_cfa_offset 8
.endif
	popq	%rax
.if \cfa
	.cfi_adjust_cfa_offset -8
.endif
	testl	\unclean, %eax
	jz	.Lclean\@
	pushq	$CLEAN_FLAGS_VALUE
.if \cfa
	.cfi_adjust_cfa_offset 8
.endif
	popfq
.if \cfa
	.cfi_adjust_cfa_offset -8
.endif
.Lclean\@:
.endm

/*
 * The x87 empty, without exceptions, with the host's control word. Where
 * something was raised, what is told at once is what the module has not masked.
 * The CPU knows that by itself; emulation believes the status word's sum, which
 * a module can load as it likes, and would wait for ever. The two bytes below
 * RSP are the host's: handlers leave 128 alone.
 */
.macro X87_HOST control:vararg
	fnstsw	%ax
	testb	%al, %al
	jz	.Lquiet\@
	fnstcw	-8(%rsp)
	notb	-8(%rsp)
	andb	-8(%rsp), %al
	testb	$0x3f, %al
	jz	.Lmasked\@
	HEARS_LATE fwait
.Lmasked\@:
	fnclex
.Lquiet\@:
	emms
	fldcw	\control
.endm

/*
 * The x87 as in a new process: what it notes of its last instruction and
 * operand, too, which nothing else clears for sure. Its registers are zero.
 */
.macro X87_CLEAR
	fninit
	.rept	8
	fldz
	.endr
	emms
.endm

/* All that can be an argument, and r11, below the stack pointer. */
.macro SAVE_WORDS
	subq	$ARGS_SIZE, %rsp
	.cfi_adjust_cfa_offset ARGS_SIZE
	movq	%rdi, 0(%rsp)
	movq	%rsi, 8(%rsp)
	movq	%rdx, 16(%rsp)
	movq	%rcx, 24(%rsp)
	movq	%r8, 32(%rsp)
	movq	%r9, 40(%rsp)
	movq	%r11, 48(%rsp)
.endm

.macro SAVE_FLOATS
	movups	%xmm0, 64(%rsp)
	movups	%xmm1, 80(%rsp)
	movups	%xmm2, 96(%rsp)
	movups	%xmm3, 112(%rsp)
	movups	%xmm4, 128(%rsp)
	movups	%xmm5, 144(%rsp)
	movups	%xmm6, 160(%rsp)
	movups	%xmm7, 176(%rsp)
.endm

.macro SAVE_ARGS
	SAVE_WORDS
	SAVE_FLOATS
.endm

.macro LOAD_WORDS from=%rsp
	movq	0(\from), %rdi
	movq	8(\from), %rsi
	movq	16(\from), %rdx
	movq	24(\from), %rcx
	movq	32(\from), %r8
	movq	40(\from), %r9
	movq	48(\from), %r11
.endm

.macro LOAD_FLOATS from=%rsp
	movups	64(\from), %xmm0
	movups	80(\from), %xmm1
	movups	96(\from), %xmm2
	movups	112(\from), %xmm3
	movups	128(\from), %xmm4
	movups	144(\from), %xmm5
	movups	160(\from), %xmm6
	movups	176(\from), %xmm7
.endm

.macro LOAD_ARGS from=%rsp
	LOAD_WORDS \from
	LOAD_FLOATS \from
.endm

/* What a service is asked for, for the report of a fault below it. */
.macro KEEP_FIRST
	pushq	%rsi
	pushq	%rdi
.endm

/*
 * Instead of DROP_ARGS before a service runs: the words that it is called with
 * stay (mdi_service_words), and below them comes what CFI_IN_SERVICE wants.
 */
.macro KEEP_ARGS
	pushq	ARGS_SIZE+8(%rsp)
	pushq	ARGS_SIZE+8(%rsp)
	.cfi_adjust_cfa_offset -ARGS_SIZE
.endm

.macro DROP_ARGS
	addq	$ARGS_SIZE, %rsp
	.cfi_adjust_cfa_offset -ARGS_SIZE
.endm

/*
 * Host code has called the thunk of service r11d: its function goes on in its
 * place, with the same arguments and on the same stack.
 */
.macro SERVICE_DIRECT
	subq	$8, %rsp
	.cfi_def_cfa_offset 16
	SAVE_ARGS
	movl	%r11d, %edi
	callq	*A_SERVICE_DIRECT+mdi_arch_state(%rip)
	LOAD_ARGS
	DROP_ARGS
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	jmpq	*%rax
.endm

/* Callee-saved registers to and from the frame at a register. */
.macro SAVE_REGS frame
	movq	%rbx, F_RBX(\frame)
	movq	%rbp, F_RBP(\frame)
	movq	%r12, F_R12(\frame)
	movq	%r13, F_R13(\frame)
	movq	%r14, F_R14(\frame)
	movq	%r15, F_R15(\frame)
.endm

.macro LOAD_REGS frame, offset=0
	movq	\offset+F_RBX(\frame), %rbx
	movq	\offset+F_RBP(\frame), %rbp
	movq	\offset+F_R12(\frame), %r12
	movq	\offset+F_R13(\frame), %r13
	movq	\offset+F_R14(\frame), %r14
	movq	\offset+F_R15(\frame), %r15
.endm

/* One register becomes zero unless the count in ecx says it is an argument. */
.macro CLEAR_XMM_FROM number
	cmpl	$\number, %ecx
	ja	.Lkeep\@
	xorps	%xmm\number, %xmm\number
.Lkeep\@:
.endm

.macro CLEAR_WORD_FROM number, register
	cmpl	$\number, %ecx
	ja	.Lkeep\@
	xorl	\register, \register
.Lkeep\@:
.endm

/*
 * r16 to r31 become zero: "xorl %r16d, %r16d" and so on, of APX, which few
 * assemblers know. REX2 is d5 and a byte whose bits 6 and 4 add 16 to the
 * numbers of the registers, 2 and 0 add 8. Not one of these is an argument.
 */
.macro CLEAR_APX
	.irp	number, 0, 1, 2, 3, 4, 5, 6, 7
	.byte	0xd5, 0x50, 0x31, 0xc0 + 9 * \number
	.byte	0xd5, 0x55, 0x31, 0xc0 + 9 * \number
	.endr
.endm

/*
 * What lies beside xmm0-15: the rest of them, zmm16-31, the masks, tiles and
 * their configuration, r16-31. arch/cpu.h says which of these there are, and
 * that there is nothing else.
 */
.macro CLEAR_WIDE
	cmpl	$0, A_AVX+mdi_arch_state(%rip)
	je	.Lno_avx\@
	vzeroupper
.Lno_avx\@:
	cmpl	$0, A_WIDE+mdi_arch_state(%rip)
	je	.Lno_more\@
	cmpl	$0, A_AVX512+mdi_arch_state(%rip)
	je	.Lno_avx512\@
	.irp	number, 16, 17, 18, 19, 20, 21, 22, 23
	vpxord	%zmm\number, %zmm\number, %zmm\number
	.endr
	.irp	number, 24, 25, 26, 27, 28, 29, 30, 31
	vpxord	%zmm\number, %zmm\number, %zmm\number
	.endr
	.irp	number, 0, 1, 2, 3, 4, 5, 6, 7
	kxorw	%k\number, %k\number, %k\number
	.endr
.Lno_avx512\@:
	cmpl	$0, A_AMX+mdi_arch_state(%rip)
	je	.Lno_amx\@
	tilerelease
.Lno_amx\@:
	cmpl	$0, A_APX+mdi_arch_state(%rip)
	je	.Lno_apx\@
	CLEAR_APX
.Lno_apx\@:
.Lno_more\@:
.endm

/* xmm registers from one to another become zero. */
.macro CLEAR_XMM numbers:vararg
	.irp	number, \numbers
	xorps	%xmm\number, %xmm\number
	.endr
.endm

/*
 * Vector and x87 registers that hold no argument become zero, and all modes
 * those of a new process; r11: slot.
 */
.macro SCRUB_FLOATS
	movl	S_FLOATS(%r11), %ecx
	.irp	number, 0, 1, 2, 3, 4, 5, 6, 7
	CLEAR_XMM_FROM \number
	.endr
	CLEAR_XMM 8, 9, 10, 11, 12, 13, 14, 15
	CLEAR_WIDE
	X87_CLEAR
	ldmxcsr	CLEAN_MXCSR+mdi_clean_fpu(%rip)
.endm

/* Word registers that hold no argument become zero; rdx, rcx in r12, r13. */
.macro SCRUB_WORDS
	movl	S_WORDS(%r11), %ecx
	CLEAR_WORD_FROM 0, %edi
	CLEAR_WORD_FROM 1, %esi
	CLEAR_WORD_FROM 2, %r12d
	CLEAR_WORD_FROM 3, %r13d
	CLEAR_WORD_FROM 4, %r8d
	CLEAR_WORD_FROM 5, %r9d
.endm

/*
 * The recorder (modiso/record.h). A call's beginning lies as far behind its
 * frame as the first call's behind the first frame, so that a frame leads to
 * it; its end is an event in the ring. A place in the ring is taken by one
 * instruction: a signal handler that calls gates in between takes the next
 * ones. The place itself is the event's last word, and is written last: who
 * reads the ring knows by it whether the event is whole, and which one it is.
 *
 * These use rax and rdx; RECORD_END rdi, @index and xmm15 too. r10 is the
 * block.
 */
.macro RECORD_TIME to:vararg
	rdtsc
	movl	%eax, \to
	movl	%edx, 4+\to
.endm

.macro RECORD_BEGIN frame
	RECORD_TIME O_BEGIN(\frame)
	movq	%r11, O_GATE(\frame)
.endm

/* @end: of the frame; @begin: O_BEGIN, or O_SERVICE_BEGIN. */
.macro RECORD_END end, begin, index, index32
	rdtsc
	movups	-F_SIZE+\begin(\end), %xmm15
	movl	$E_SIZE, %edi
	xaddq	%rdi, T_RING_NEXT(%r10)
	movzwl	%di, \index32
	movups	%xmm15, T_EVENTS(%r10,\index)
	movl	%eax, T_EVENTS+E_END(%r10,\index)
	movl	%edx, T_EVENTS+E_END+4(%r10,\index)
	movq	%rdi, T_EVENTS+E_PLACE(%r10,\index)
.endm

/*
 * Call-frame information for the place that a module's function returns to.
 * The word at the stack pointer is the frame (a copy for debuggers; gates
 * never use it): CFA = frame->sp + 8, registers are in the frame.
 *
 *	0x77 0			DW_OP_breg7 (rsp) + 0
 *	0x06			DW_OP_deref
 *	0x23 n			DW_OP_plus_uconst
 *	.cfi_escape 0x0f	DW_CFA_def_cfa_expression
 *	.cfi_escape 0x10	DW_CFA_expression: where a register is saved
 *
 * With keys a module that walks its own stack may not read the frame: it is
 * told that the host's RSP is 0 (core/trap.c, wants_caller), and so that its
 * walk ends here. The return address is what lies below the CFA, or nothing:
 *
 *	.cfi_escape 0x16	DW_CFA_val_expression, of the CFA
 *	0x38 0x1c		DW_OP_lit8, DW_OP_minus
 *	0x12 0x28 3 0		DW_OP_dup, DW_OP_bra to the last one
 *	0x2f 1 0		DW_OP_skip, to the end: it is 0
 *	0x06			DW_OP_deref
 */
#define CFI_SAVED(reg, offset, length, ...) \
	.cfi_escape 0x10, reg, 4 + length, 0x77, __VA_ARGS__, 0x06, 0x23, offset
#define CFI_FRAME_AT(length, ...) \
	.cfi_escape 0x0f, 7 + length, 0x77, __VA_ARGS__, 0x06, 0x23, F_RSP, \
		0x06, 0x23, 8; \
	.cfi_escape 0x16, 16, 10, 0x38, 0x1c, 0x12, 0x28, 3, 0, 0x2f, 1, 0, \
		0x06; \
	CFI_SAVED(3, F_RBX, length, __VA_ARGS__); \
	CFI_SAVED(6, F_RBP, length, __VA_ARGS__); \
	CFI_SAVED(12, F_R12, length, __VA_ARGS__); \
	CFI_SAVED(13, F_R13, length, __VA_ARGS__); \
	CFI_SAVED(14, F_R14, length, __VA_ARGS__); \
	CFI_SAVED(15, F_R15, length, __VA_ARGS__)
#define CFI_IN_MODULE CFI_FRAME_AT(1, 0)
/* The same above the words on the stack: 80 has two bytes. */
#define CFI_BEHIND_WORDS CFI_FRAME_AT(2, 0x80 + STACK_WORDS_SIZE, 0)

/*
 * A function from whose frame the way to main() goes to lower addresses, from
 * the host's stack to a module's. gdb takes that for a broken stack, but where
 * it is told that the frame is of a signal. For other walks it means that the
 * address in the caller's frame is not behind a call, but itself: they look for
 * its line there, and it is in the same function either way.
 */
#define CFI_LEADS_DOWN .cfi_signal_frame

/*
 * The same for the place that a service returns to. On the host's stack: the
 * frame, and above it the module's stack pointer; CFA is in the module.
 */
#define CFI_IN_SERVICE \
	.cfi_escape 0x0f, 5, 0x77, 8, 0x06, 0x23, 8
/* The same above the arguments: SAVE_ARGS. ARGS_SIZE + 8 has two bytes. */
#define CFI_BEHIND_ARGS \
	.cfi_escape 0x0f, 6, 0x77, 0x80 + (ARGS_SIZE + 8) % 128, \
		(ARGS_SIZE + 8) / 128, 0x06, 0x23, 8

/*
 * On the module's stack, behind the frame's address: room for all words that
 * can be on the stack, and in it those that the slot counts, from the stack of
 * the gate's caller. The rest stays what the module has left there. Where a
 * word is zero or the count is changed meanwhile (core/gate.c:
 * mdi_gate_slot_fill) nothing else is copied.
 *
 *	register    on entry    during          behind it
 *	r11         slot        slot            slot
 *	r14         -           caller's stack  scratch
 *	r15         -           number of word  scratch
 *	rbx         -           word            scratch
 *	r10         block       block           block
 */
.macro COPY_STACK_WORDS
	movq	T_FRAME(%r10), %r14
	movq	-F_SIZE+F_RSP(%r14), %r14
	movl	S_WORDS(%r11), %r15d
	subq	$STACK_WORDS_SIZE, %rsp
	CFI_BEHIND_WORDS
.Lword\@:
	cmpl	$REGISTER_WORDS, %r15d
	jbe	.Lcopied\@
	movq	-8*REGISTER_WORDS(%r14,%r15,8), %rbx
	movq	%rbx, -8*REGISTER_WORDS-8(%rsp,%r15,8)
	decl	%r15d
	jmp	.Lword\@
.Lcopied\@:
.endm

.macro DROP_STACK_WORDS
	addq	$STACK_WORDS_SIZE, %rsp
	CFI_IN_MODULE
.endm

/* Thunk number n of services: r11d is the number. */
#define SERVICE_THUNKS(name, target) \
TABLE(name); \
	.set	number, 0; \
	.rept	MDI_SERVICE_SLOTS; \
	.p2align 4; \
	endbr64; \
	movl	$number, %r11d; \
	jmp	target; \
	.set	number, number+1; \
	.endr; \
ENDF(name)

#endif /* MDI_ARCH_X86_64_GATE_H */
