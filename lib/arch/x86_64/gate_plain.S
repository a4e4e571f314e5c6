/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/gate_plain.S - into a module and back, with page permissions.
 *
 * The same frame as gate_pkey.S. Rights are changed by C (mdi_plain_enter and
 * its kin), on the host's stack; this file switches stacks and registers.
 *
 * Module's stack when the entry function begins (frame->stack is 16 aligned):
 *
 *	stack - 8       the frame's address; where calls are recorded, the
 *	                third word
 *	stack - 16      the frame's address
 *	stack - 24      return address
 *
 * With words on the stack, STACK_WORDS of them come between the last two.
 *
 * What is trusted: the thread's block is writable by modules, so this gate
 * catches bugs, not attacks. On the way back the word on the module's stack is
 * masked into the table of blocks, and the FS base must be the block's; where
 * the module has TLS, the word at its thread pointer must name the same block.
 */
#include "arch/x86_64/gate.h"

	GATE_TEXT

/* Does the block at r10 belong to this thread? Uses rcx. */
.macro CHECK_BLOCK
	andl	$MDI_BLOCK_MASK, %r10d
	addq	A_BLOCKS+mdi_arch_state(%rip), %r10
	THREAD_POINTER(%rcx)
	cmpq	T_FS_BASE(%r10), %rcx
	jne	mdi_gate_bad
.endm

/*
 * The FS base becomes what rsi says: by the kernel where programs may not write
 * it themselves. Uses rax, rcx, rdi, r11.
 */
.macro POINTER_RSI
	cmpl	$0, A_FSGSBASE+mdi_arch_state(%rip)
	je	.Lask\@
	wrfsbase %rsi
	HOST_ONLY
	jmp	.Lset\@
.Lask\@:
	SET_FS_BASE
.Lset\@:
.endm

/*
 * On the host's stack, where C has taken the frame at rax, if it has: the
 * module's thread pointer, which lies in the frame's block. r11 is saved there.
 */
.macro POINTER_MODULE_PLAIN
	testq	%rax, %rax
	jz	.Lnone\@
	movq	%rax, %r10
	movq	48(%rsp), %r11
	movl	S_TLS(%r11), %esi
	andq	$-MDI_BLOCK_SIZE, %rax
	addq	(%rax,%rsi), %rsi
	POINTER_RSI
	movq	%r10, %rax
.Lnone\@:
.endm

/*
 * And out of it: r10 is the block that the module's stack names. What lies at
 * the module's pointer must name the same one. r8 keeps the result.
 */
.macro CHECK_POINTER
	andl	$MDI_BLOCK_MASK, %r10d
	addq	A_BLOCKS+mdi_arch_state(%rip), %r10
	movq	POINTED_BLOCK, %rsi
	cmpq	%rsi, %r10
	jne	mdi_gate_bad
	movq	%rax, %r8
	movq	T_FS_BASE(%r10), %rsi
	POINTER_RSI
	movq	%r8, %rax
.endm

/*
 * The frame is whole when C returns: a signal handler may find the thread in
 * the module from then on, and take it out again.
 */
.macro ENTER_PLAIN recorded, tls
	subq	$PLAIN_SAVED, %rsp
	.cfi_adjust_cfa_offset PLAIN_SAVED
	SAVE_REGS %rsp
	SAVE_WORDS
	cmpl	$0, S_FLOATS(%r11)
	je	.Lask\@
	SAVE_FLOATS
.Lask\@:
	movq	%r11, %rdi
	leaq	ARGS_SIZE(%rsp), %rsi
	callq	*A_PLAIN_ENTER+mdi_arch_state(%rip)
.if \tls
	POINTER_MODULE_PLAIN
.endif
	LOAD_WORDS
	cmpl	$0, S_FLOATS(%r11)
	je	.Lasked\@
	LOAD_FLOATS
.Lasked\@:
	DROP_ARGS
	addq	$PLAIN_SAVED, %rsp
	.cfi_adjust_cfa_offset -PLAIN_SAVED
	testq	%rax, %rax
	jz	mdi_gate_fail
	movq	F_STACK(%rax), %rsp
	andq	$-16, %rsp
.if \recorded
	movq	%rax, %r14
	pushq	%rdx
.else
	pushq	%rax
.endif
	pushq	%rax
	.cfi_remember_state
	CFI_IN_MODULE
.if \recorded
	RECORD_BEGIN %r14
	movq	8(%rsp), %rdx
.endif
.endm

/* r10: the block, from the frame that was pushed; FS may be the module's. */
.macro FRAME_BLOCK
	movq	(%rsp), %r10
	andq	$-MDI_BLOCK_SIZE, %r10
.endm

/* Words and floats are scrubbed; rdx and rcx are in r12 and r13. */
.macro CALL_SCRUBBED
	movq	S_ENTRY(%r11), %r11
	movq	%r12, %rdx
	movq	%r13, %rcx
	xorl	%eax, %eax
	xorl	%ebx, %ebx
	xorl	%ebp, %ebp
	xorl	%r10d, %r10d
	xorl	%r12d, %r12d
	xorl	%r13d, %r13d
	xorl	%r14d, %r14d
	xorl	%r15d, %r15d
	CALL_MODULE
.endm

/*
 * All gates: "plain", or "plain_rec", where calls are recorded; and the same
 * into modules with TLS.
 */
.macro GATES kind, recorded, tls
GATE(mdi_gate_\kind)
	PERSONALITY(mdi_unwind_module)
	ENTER_PLAIN \recorded, \tls
	movq	S_ENTRY(%r11), %r11
	CALL_MODULE
.Lexit_\kind:
	movq	(%rsp), %r10
.if \tls
	CHECK_POINTER
.else
	CHECK_BLOCK
.endif
	movq	T_FRAME(%r10), %rcx
	LOAD_REGS %rcx, -F_SIZE
	movq	-F_SIZE+F_RSP(%rcx), %rsp
	.cfi_restore_state
	movq	%rax, %rsi
.if \recorded
	RECORD_END %rcx, O_BEGIN, %r11, %r11d
.endif
	ldmxcsr	-F_SIZE+F_MXCSR(%rcx)
	X87_HOST -F_SIZE+F_X87(%rcx)
	FLAGS_HOST cfa=1
	subq	$40, %rsp
	.cfi_adjust_cfa_offset 40
	movq	%rsi, 16(%rsp)
	movups	%xmm0, (%rsp)
	leaq	T_FS_BASE(%r10), %rdi
	callq	*A_PLAIN_LEAVE+mdi_arch_state(%rip)
	movups	(%rsp), %xmm0
	movq	16(%rsp), %rax
	addq	$40, %rsp
	.cfi_adjust_cfa_offset -40
	clc
	retq
ENDF(mdi_gate_\kind)

GATE(mdi_gate_\kind\()_scrub)
	PERSONALITY(mdi_unwind_module)
	ENTER_PLAIN \recorded, \tls
	movq	%rdx, %r12
	movq	%rcx, %r13
	SCRUB_FLOATS
	SCRUB_WORDS
	CALL_SCRUBBED
	jmp	.Lexit_\kind
	.cfi_restore_state
ENDF(mdi_gate_\kind\()_scrub)

/* With words on the stack: gate.h, COPY_STACK_WORDS. */
GATE(mdi_gate_\kind\()_many)
	PERSONALITY(mdi_unwind_module)
	ENTER_PLAIN \recorded, \tls
	FRAME_BLOCK
	COPY_STACK_WORDS
	movq	S_ENTRY(%r11), %r11
	CALL_MODULE
	DROP_STACK_WORDS
	jmp	.Lexit_\kind
	.cfi_restore_state
ENDF(mdi_gate_\kind\()_many)

GATE(mdi_gate_\kind\()_scrub_many)
	PERSONALITY(mdi_unwind_module)
	ENTER_PLAIN \recorded, \tls
	FRAME_BLOCK
	COPY_STACK_WORDS
	movq	%rdx, %r12
	movq	%rcx, %r13
	SCRUB_FLOATS
	CALL_SCRUBBED
	DROP_STACK_WORDS
	jmp	.Lexit_\kind
	.cfi_restore_state
ENDF(mdi_gate_\kind\()_scrub_many)
.endm

	GATES plain, 0, 0
	GATES plain_rec, 1, 0
	GATES plain_tls, 0, 1
	GATES plain_tls_rec, 1, 1

/*
 * A module calls a service: r11d is its number. Host code may, too. Where the
 * module has TLS, FS is its own, and what lies there leads to the host's; that
 * word of a host's thread, in the C library's hands, is no block, and is hardly
 * ever aligned as one.
 */
.macro SERVICE kind, recorded
FUNC(mdi_service_\kind)
	UNWIND_TO(mdi_unwind_service)
	CFI_LEADS_DOWN
	IF_POINTED(.Lpointer_\kind)
.Lhost_pointer_\kind:
	HERE_BLOCK(%r10, %rax)
	cmpq	$MDI_UNATTACHED, %r10
	je	.Ldirect_\kind
	movq	T_FRAME(%r10), %rax
	subq	$F_SIZE, %rax
	cmpq	$0, F_SERVICE_SP(%rax)
	jne	.Ldirect_\kind
	stmxcsr	F_MODULE_MXCSR(%rax)
	fnstcw	F_MODULE_X87CW(%rax)
	movq	%rsp, %r10
	.cfi_remember_state
	.cfi_def_cfa %r10, 8
	movq	F_RSP(%rax), %rsp
	andq	$-16, %rsp
	KEEP_FIRST
	pushq	%r10
	addq	$F_SIZE, %rax
	pushq	%rax
	CFI_IN_SERVICE
	movq	%rax, %r10
	ldmxcsr	-F_SIZE+F_MXCSR(%r10)
	X87_HOST -F_SIZE+F_X87(%r10)
	SAVE_ARGS
	CFI_BEHIND_ARGS
	FLAGS_HOST
.if \recorded
	movq	ARGS_SIZE(%rsp), %rcx
	movl	%r11d, -F_SIZE+O_SERVICE(%rcx)
	RECORD_TIME -F_SIZE+O_SERVICE_BEGIN(%rcx)
.endif
	movl	%r11d, %edi
	HERE_BLOCK(%rsi, %rax)
	addq	$T_FS_BASE, %rsi
	movq	ARGS_SIZE+8(%rsp), %rdx
	callq	*A_PLAIN_SERVICE_ENTER+mdi_arch_state(%rip)
	LOAD_ARGS
	KEEP_ARGS
	CFI_IN_SERVICE
	testl	%eax, %eax
	jz	.Lrefused_\kind
	andl	$MDI_SERVICE_SLOTS-1, %r11d
	leaq	A_SERVICES+mdi_arch_state(%rip), %rax
	shlq	$V_SHIFT, %r11
	movq	V_FUNCTION(%rax,%r11), %r11
	CALL_SERVICE
	fwait	/* what the service has left is raised while it is the host's */
	subq	$32, %rsp
	movq	%rax, 16(%rsp)
	movups	%xmm0, (%rsp)
	movq	32(%rsp), %rdi
	movq	%rsp, %rsi
	leaq	24(%rsp), %rdx
	callq	*A_PLAIN_SERVICE_LEAVE+mdi_arch_state(%rip)
	testq	%rax, %rax
	jz	.Lrefused_\kind
	movq	%rax, %r11
	HERE_BLOCK(%r10, %r10)
	movq	T_FRAME(%r10), %rcx
.if \recorded
	RECORD_END %rcx, O_SERVICE_BEGIN, %rsi, %esi
.endif
	cmpq	$0, 24(%rsp)
	jne	.Lscrub_\kind
.Lmodes_\kind:
	movups	(%rsp), %xmm0
	movq	16(%rsp), %rax
	ldmxcsr	-F_SIZE+F_MODULE_MXCSR(%rcx)
	fldcw	-F_SIZE+F_MODULE_X87CW(%rcx)
	movq	%r11, %rsp
	.cfi_restore_state
	xorl	%ecx, %ecx
	xorl	%r10d, %r10d
	xorl	%r11d, %r11d
	retq
.Lscrub_\kind:
	.cfi_remember_state
	CFI_IN_SERVICE
	testb	$MODE_SCRUB, 24(%rsp)
	jz	.Lscrubbed_\kind
	X87_CLEAR
	CLEAR_XMM 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	CLEAR_WIDE
	xorl	%edx, %edx
	xorl	%esi, %esi
	xorl	%edi, %edi
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
.Lscrubbed_\kind:
	movq	24(%rsp), %rsi
	andq	$~MODE_SCRUB, %rsi
	jz	.Lmodes_\kind
	movq	%r11, %rdx
	POINTER_RSI
	movq	%rdx, %r11
	movq	T_FRAME(%r10), %rcx
	xorl	%edx, %edx
	xorl	%esi, %esi
	xorl	%edi, %edi
	jmp	.Lmodes_\kind
	.cfi_restore_state
	/* On the module's stack; only the words that a call has are kept. */
.Lpointer_\kind:
	movq	POINTED_BLOCK, %r10
	movq	%r10, %rax
	subq	A_BLOCKS+mdi_arch_state(%rip), %rax
	cmpq	$MDI_THREADS_MAX*MDI_BLOCK_SIZE-1, %rax
	ja	.Lhost_pointer_\kind
	cmpq	$0, A_BLOCKS+mdi_arch_state(%rip)
	je	.Lhost_pointer_\kind
	.irp	kept, rdi, rsi, rcx, r11
	pushq	%\kept
	.cfi_adjust_cfa_offset 8
	.endr
	movq	T_FS_BASE(%r10), %rsi
	POINTER_RSI
	.irp	kept, r11, rcx, rsi, rdi
	popq	%\kept
	.cfi_adjust_cfa_offset -8
	.endr
	jmp	.Lhost_pointer_\kind
.Lrefused_\kind:
	HERE_BLOCK(%r10, %rax)
	movq	T_FRAME(%r10), %rcx
	movq	-F_SIZE+F_RSP(%rcx), %rsp
	jmp	mdi_gate_recover
.Ldirect_\kind:
	SERVICE_DIRECT
	UNWIND_TO_END
ENDF(mdi_service_\kind)
.endm

	SERVICE plain, 0
	SERVICE plain_rec, 1
END_OF_FILE
