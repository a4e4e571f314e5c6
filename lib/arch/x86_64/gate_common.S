/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/gate_common.S - what the gates of both backends end in.
 *
 * A gate reports failure in the carry flag, so that a thunk's caller needs to
 * know nothing of it and mdi_gate_invoke() does.
 */
#include "arch/x86_64/gate.h"

	GATE_TEXT

/*
 * A call that failed before the module was entered. The thread's status says
 * why; the caller gets zero and a set carry flag.
 */
FUNC(mdi_gate_fail)
	xorl	%eax, %eax
	xorps	%xmm0, %xmm0
	stc
	retq
ENDF(mdi_gate_fail)

/*
 * The way out of a module that faulted. r10 is the thread's block, rsp the
 * host's as at the gate's first instruction, rights are the host's, x87 has no
 * exception pending; every other register is the module's.
 */
FUNC(mdi_gate_recover)
	movq	T_FRAME(%r10), %rcx
	LOAD_REGS %rcx, -F_SIZE
	fldcw	-F_SIZE+F_X87(%rcx)
	ldmxcsr	-F_SIZE+F_MXCSR(%rcx)
	leaq	T_FS_BASE(%r10), %rdi
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	callq	*A_GATE_LAND+mdi_arch_state(%rip)
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	jmp	mdi_gate_fail
ENDF(mdi_gate_recover)

.macro RELOAD_DATA selector, number
	movl	\selector, %ecx
	cmpw	T_SELECTORS-T_FS_BASE+2*\number(%rdi), %cx
	je	.Lsame\@
	movzwl	T_SELECTORS-T_FS_BASE+2*\number(%rdi), %eax
	movl	%eax, \selector
.Lsame\@:
.endm

/* Loading one of these two sets its base. */
.macro RELOAD_BASED selector, number, base
	movl	\selector, %ecx
	cmpw	T_SELECTORS-T_FS_BASE+2*\number(%rdi), %cx
	je	.Lsame\@
	movzwl	T_SELECTORS-T_FS_BASE+2*\number(%rdi), %eax
	rd\base	%rcx
	movl	%eax, \selector
	wr\base	%rcx
	HOST_ONLY
.Lsame\@:
.endm

/* void mdi_selectors_reload(thread): see frame.h. */
FUNC(mdi_selectors_reload)
	RELOAD_DATA %ds, 0
	RELOAD_DATA %es, 1
	cmpl	$0, A_FSGSBASE+mdi_arch_state(%rip)
	je	1f
	RELOAD_BASED %fs, 2, fsbase
	RELOAD_BASED %gs, 3, gsbase
	retq
	/* FS is the host's again (signal.S), or a gate would have trapped. */
1:	RELOAD_DATA %gs, 3
	retq
ENDF(mdi_selectors_reload)

/* void mdi_gate_unwind(block, rsp): see frame.h. */
FUNC(mdi_gate_unwind)
	movq	%rdi, %r10
	movq	%rsi, %rsp
	jmp	mdi_gate_recover
ENDF(mdi_gate_unwind)

/*
 * Where the unwinder ends at the edge of a module (unwind.c); rax: the
 * exception. The first two run in the module, on its stack.
 */
FUNC(mdi_unwind_thrown)
	.cfi_undefined %rip
	movq	%rax, %rdi
	callq	mdi_unwind_drop
LABEL(mdi_door_exception)
	ud2
ENDF(mdi_unwind_thrown)

FUNC(mdi_unwind_ending)
	.cfi_undefined %rip
	movq	%rax, %rdi
LABEL(mdi_door_ending)
	ud2
ENDF(mdi_unwind_ending)

/* Called by module code, through exit(3) and its kin (os/linux/libc.c). */
FUNC(mdi_door_open_exit)
LABEL(mdi_door_exit)
	ud2
ENDF(mdi_door_open_exit)

FUNC(mdi_door_open_abort)
LABEL(mdi_door_abort)
	ud2
	retq
ENDF(mdi_door_open_abort)

FUNC(mdi_door_open_jump)
LABEL(mdi_door_jump)
	ud2
	retq
ENDF(mdi_door_open_jump)

FUNC(mdi_door_open_thread)
LABEL(mdi_door_thread)
	ud2
	retq
ENDF(mdi_door_open_thread)

/* On the host's stack or a signal stack, with host rights: the call is over. */
FUNC(mdi_unwind_above)
	.cfi_undefined %rip
	andq	$-16, %rsp
	movq	%rax, %rdi
	HERE_BLOCK(%rbx, %rcx)
	leaq	T_FS_BASE(%rbx), %rsi
	callq	*A_UNWIND_OVER+mdi_arch_state(%rip)
	movq	%rbx, %r10
	movq	T_FRAME(%r10), %rcx
	movq	-F_SIZE+F_RSP(%rcx), %rsp
	jmp	mdi_gate_recover
ENDF(mdi_unwind_above)

/* Nobody to go back to: unwinders stop here. r10: the record of the fault. */
FUNC(mdi_orphan_landing)
	.cfi_undefined %rip
	movq	%r10, %rdi
	callq	*A_ORPHAN_END+mdi_arch_state(%rip)
	ud2
ENDF(mdi_orphan_landing)

/*
 * The frames are used up: the store to the free one faulted (gate_pkey.S).
 * Nothing was changed but registers that a function may change.
 */
FUNC(mdi_gate_overflow)
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	callq	*A_GATE_TOO_DEEP+mdi_arch_state(%rip)
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	jmp	mdi_gate_fail
ENDF(mdi_gate_overflow)

/* A check failed: rights or identity are not what they must be. */
FUNC(mdi_gate_bad)
	ud2
ENDF(mdi_gate_bad)

/* The thunk of a slot that has no gate. */
GATE(mdi_gate_dead)
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	movq	%r11, %rdi
	callq	*A_GATE_REFUSE+mdi_arch_state(%rip)
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	jmp	mdi_gate_fail
ENDF(mdi_gate_dead)

/* A gate that returns the slot's value when the call fails. */
GATE(mdi_gate_valued)
	pushq	%r11
	.cfi_adjust_cfa_offset 8
	notrack callq *S_INNER(%r11)
.Lvalued_back:
	jc	1f
	leaq	8(%rsp), %rsp
	.cfi_remember_state
	.cfi_adjust_cfa_offset -8
	retq
1:	.cfi_restore_state
	movq	(%rsp), %r11
	movq	S_VALUE(%r11), %rax
	leaq	8(%rsp), %rsp
	.cfi_adjust_cfa_offset -8
	retq
ENDF(mdi_gate_valued)

/*
 * The same for a gate with words on the stack, which come next to the return
 * address again: those that the slot counts, r10d is the number of the word.
 */
GATE(mdi_gate_valued_many)
	pushq	%r11
	.cfi_adjust_cfa_offset 8
	subq	$STACK_WORDS_SIZE, %rsp
	.cfi_adjust_cfa_offset STACK_WORDS_SIZE
	movl	S_WORDS(%r11), %r10d
.Lvalued_word:
	cmpl	$REGISTER_WORDS, %r10d
	jbe	.Lvalued_call
	movq	STACK_WORDS_SIZE+8-8*REGISTER_WORDS(%rsp,%r10,8), %rax
	movq	%rax, -8*REGISTER_WORDS-8(%rsp,%r10,8)
	decl	%r10d
	jmp	.Lvalued_word
.Lvalued_call:
	notrack callq *S_INNER(%r11)
	leaq	STACK_WORDS_SIZE(%rsp), %rsp
	.cfi_adjust_cfa_offset -STACK_WORDS_SIZE
	jmp	.Lvalued_back
ENDF(mdi_gate_valued_many)

/*
 * int mdi_gate_invoke(slot, args, count, result): words that are no argument
 * are 0, and @result may be NULL. Most calls have one word.
 *
 *	register    on entry    at the call
 *	rdi         slot        first word
 *	rsi         args        second word
 *	rdx, rcx,
 *	r8, r9      count,      words
 *	            result
 *	rax         -           args, unless there is one word; scratch
 *	rbx         -           result
 *	r10         -           count, unless it is 1; scratch
 *	r11         -           slot
 *
 * With one word it is 19 instructions: rbx is kept (2) for where the result
 * goes (1), which is asked for (2) and stored (1); the slot goes where gates
 * want it (1); the count is looked at (2); the word is loaded, and the other
 * five cleared (6); the call (1); its carry is looked at (1), and the answer
 * returned (2).
 */
FUNC(mdi_gate_invoke)
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	movq	%rcx, %rbx
	movq	%rdi, %r11
	xorl	%ecx, %ecx
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	cmpl	$1, %edx
	jne	.Lnot_one_word
	movq	0(%rsi), %rdi
	xorl	%esi, %esi
	xorl	%edx, %edx
.Lwords_loaded:
	notrack callq *S_INNER(%r11)
.Linvoked:
	jc	1f
	testq	%rbx, %rbx
	jz	.Lno_result
	movq	%rax, (%rbx)
.Lno_result:
	xorl	%eax, %eax
	popq	%rbx
	.cfi_remember_state
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	retq
1:	.cfi_restore_state
	.cfi_remember_state
	movl	$1, %eax
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	retq
.Lnot_one_word:
	.cfi_restore_state
	movq	%rsi, %rax
	movl	%edx, %r10d
	jb	.Lno_words
	movq	0(%rax), %rdi
	movq	8(%rax), %rsi
	xorl	%edx, %edx
	cmpl	$3, %r10d
	jb	.Lwords_loaded
	movq	16(%rax), %rdx
	je	.Lwords_loaded
	movq	24(%rax), %rcx
	cmpl	$5, %r10d
	jb	.Lwords_loaded
	movq	32(%rax), %r8
	je	.Lwords_loaded
	movq	40(%rax), %r9
	jmp	.Lwords_loaded
.Lno_words:
	xorl	%edi, %edi
	xorl	%esi, %esi
	xorl	%edx, %edx
	jmp	.Lwords_loaded
ENDF(mdi_gate_invoke)

/*
 * int mdi_gate_invoke_many(slot, words, result): the same with words on the
 * stack, all that there can be; the gate takes those that it has.
 */
FUNC(mdi_gate_invoke_many)
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	movq	%rdx, %rbx
	movq	%rdi, %r11
	movq	%rsi, %rax
	.set	number, REGISTER_WORDS+STACK_WORDS
	.rept	STACK_WORDS
	.set	number, number-1
	pushq	8*number(%rax)
	.cfi_adjust_cfa_offset 8
	.endr
	movq	0(%rax), %rdi
	movq	8(%rax), %rsi
	movq	16(%rax), %rdx
	movq	24(%rax), %rcx
	movq	32(%rax), %r8
	movq	40(%rax), %r9
	notrack callq *S_INNER(%r11)
	leaq	STACK_WORDS_SIZE(%rsp), %rsp
	.cfi_adjust_cfa_offset -STACK_WORDS_SIZE
	jmp	.Linvoked
ENDF(mdi_gate_invoke_many)

/*
 * int mdi_copy(to, from, length): the handler moves a fault of an instruction
 * from _begin on to _fault. One word, and half of one, are most of its calls:
 * a string instruction takes tens of cycles to begin.
 */
FUNC(mdi_copy)
	movq	%rdx, %rcx
LABEL(mdi_copy_begin)
	cmpq	$4, %rdx
	je	1f
	testb	$7, %dl
	jnz	2f
	cmpq	$8, %rdx
	je	3f
	shrq	$3, %rcx
	rep movsq
	jmp	mdi_copy_end
1:	movl	(%rsi), %eax
	movl	%eax, (%rdi)
	jmp	mdi_copy_end
3:	movq	(%rsi), %rax
	movq	%rax, (%rdi)
	jmp	mdi_copy_end
2:	rep movsb
LABEL(mdi_copy_end)
	xorl	%eax, %eax
	retq
LABEL(mdi_copy_fault)
	movl	$1, %eax
	retq
ENDF(mdi_copy)

/*
 * Thunks. The gates': r11 is the slot, which says where to go on. The
 * services': r11d is the number; two tables, because a module that is sealed
 * could not read where to go on.
 */
TABLE(mdi_gate_thunks)
	.set	number, 0
	.rept	MDI_GATE_SLOTS
	.p2align 4
	endbr64
	leaq	A_GATES+mdi_arch_state+number*S_SIZE(%rip), %r11
	notrack jmp *(%r11)
	.set	number, number+1
	.endr
ENDF(mdi_gate_thunks)

SERVICE_THUNKS(mdi_service_thunks_plain, mdi_service_plain)
SERVICE_THUNKS(mdi_service_thunks_plain_rec, mdi_service_plain_rec)

/* An fxrstor image: x87 and SSE as a new process has them. */
	CONSTANTS
	SYMBOL_PLACE(mdi_clean_fpu)
	.p2align 6
mdi_clean_fpu:
	.short	0x37f
	.fill	22, 1, 0
	.long	0x1f80
	.fill	484, 1, 0
END_OF_FILE
