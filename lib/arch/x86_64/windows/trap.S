/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/windows/trap.S - a function on another stack.
 *
 *	register    mdi_call_on()       the function
 *	rcx         function            arg
 *	rdx         arg                 -
 *	r8          stack pointer       -
 *
 * By Microsoft's calling convention, as C calls C: 32 bytes above the return
 * address are the callee's.
 */
#include "arch/x86_64/asm.h"

	ENTRY_TEXT

FUNC(mdi_call_on)
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	movq	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	movq	%rcx, %rax
	movq	%rdx, %rcx
	leaq	-32(%r8), %rsp
	callq	*%rax
	movq	%rbp, %rsp
	popq	%rbp
	.cfi_def_cfa %rsp, 8
	.cfi_restore %rbp
	retq
ENDF(mdi_call_on)

/*
 * Where mdi_context_redirect() leads a thread, which may stand in a call of the
 * system: that gives back the registers that a function keeps, and no others.
 *
 *	register    here            there
 *	r12         block           -
 *	r13         where to        -
 *	r10         anything        block
 *
 * It stands here as it stands there: whoever stops the thread and leads it
 * elsewhere does so from either.
 */
FUNC(mdi_redirected)
	.cfi_undefined %rip
	movq	%r12, %r10
	jmpq	*%r13
ENDF(mdi_redirected)
END_OF_FILE
