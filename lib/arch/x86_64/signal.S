/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/signal.S - the first instructions of the fault handler.
 *
 *	register        on entry                for mdi_fault_signal()
 *	rdi rsi rdx     signo, info, context    the same
 *	rcx             -                       struct mdi_thread, or NULL
 *	rbx r12         the interrupted code's  its FS and GS base
 *
 * Nothing in a register but what the kernel put there is trusted, nor that it
 * was the kernel that came here. Host rights come first: until then key 0 is
 * open and nothing else. The alternate stack tells the thread; its FS base, or
 * gettid(2) when a module has changed that, confirms it, because a module can
 * put any address into RSP and jump here.
 * The context must lie where the kernel puts it, right above RSP.
 *
 * The kernel clears DF, TF and RF, but not AC (FACTS 0.8).
 */
#include "arch/x86_64/asm.h"
#include "arch/x86_64/frame.h"

#define SYS_GETPID 39
#define SYS_GETTID 186

	.text

/*
 * r10: the block that belongs to the alternate stack at rsp, or to \foreign.
 * In a child that module code has forked the thread id is another one, and so
 * is the process id.
 */
.macro BLOCK_BY_STACK foreign
	movq	%rsp, %r10
	subq	A_ALTSTACKS+mdi_arch_state(%rip), %r10
	shrq	$MDI_ALTSTACK_SHIFT, %r10
	cmpq	$MDI_THREADS_MAX, %r10
	jae	\foreign
	shlq	$MDI_BLOCK_SHIFT, %r10
	addq	A_BLOCKS+mdi_arch_state(%rip), %r10
	leaq	8(%rsp), %rax
	cmpq	%rax, %rdx
	jne	mdi_gate_bad
	cmpl	$0, A_FSGSBASE+mdi_arch_state(%rip)
	je	.Lask\@
	rdfsbase %rax
	cmpq	%rax, T_FS_BASE(%r10)
	je	.Lmine\@
.Lask\@:
	movl	$SYS_GETTID, %eax
	syscall
	cmpl	%eax, T_TID(%r10)
	je	.Lmine\@
	movl	$SYS_GETPID, %eax
	syscall
	cmpl	%eax, A_PID+mdi_arch_state(%rip)
	je	mdi_gate_bad
.Lmine\@:
.endm

/* All rights, whatever the kernel or a jumper gave; keeps rdi, rsi, rdx. */
.macro RIGHTS_ALL
	movq	%rdx, %r8
	xorl	%eax, %eax
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	WRPKRU
	testl	%eax, %eax
	jne	mdi_gate_bad
	movq	%r8, %rdx
.endm

/* MDI_SIGNAL_MARK of signal.h; FUNC aligns to 16, so it stays in front. */
#define MARK .p2align 4; .ascii "libmodiso-signal"

.macro SIGNAL_PKEY handler, async
	RIGHTS_ALL
	pushq	$2
	popfq
	rdfsbase %rbx
	rdgsbase %r12
	BLOCK_BY_STACK .Lforeign\@
	movq	T_FS_BASE(%r10), %rax
	wrfsbase %rax
	wrgsbase %r10
	leaq	T_FS_BASE(%r10), %r9
.if \async
	leaq	T_HOST_PKRU(%r10), %r10
.endif
	jmp	.Lcall\@
.Lforeign\@:
	xorl	%r9d, %r9d
.if \async
	leaq	A_HANDLER_PKRU+mdi_arch_state(%rip), %r10
.endif
.Lcall\@:
.if \async
	movq	%rdx, %r8
	movl	(%r10), %eax
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	WRPKRU
	cmpl	(%r10), %eax
	jne	mdi_gate_bad
	movq	%r8, %rdx
.endif
	movq	%r9, %rcx
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	callq	\handler
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	testb	%al, %al
	jz	1f
	wrfsbase %rbx
	wrgsbase %r12
1:	retq
.endm

.macro SIGNAL_PLAIN handler
	pushq	$2
	popfq
	BLOCK_BY_STACK .Lforeign\@
	leaq	T_FS_BASE(%r10), %r9
	cmpl	$0, A_FSGSBASE+mdi_arch_state(%rip)
	je	.Lcall\@
	rdfsbase %rbx
	rdgsbase %r12
	movq	T_FS_BASE(%r10), %rax
	cmpq	%rax, %rbx
	je	.Lcall\@
	wrfsbase %rax
	jmp	.Lcall\@
.Lforeign\@:
	xorl	%r9d, %r9d
	cmpl	$0, A_FSGSBASE+mdi_arch_state(%rip)
	je	.Lcall\@
	rdfsbase %rbx
	rdgsbase %r12
.Lcall\@:
	movq	%r9, %rcx
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	callq	\handler
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	testb	%al, %al
	jz	1f
	cmpl	$0, A_FSGSBASE+mdi_arch_state(%rip)
	je	1f
	wrfsbase %rbx
	wrgsbase %r12
1:	retq
.endm

	MARK
FUNC(mdi_signal_pkey)
	SIGNAL_PKEY mdi_fault_signal, 0
ENDF(mdi_signal_pkey)

	MARK
FUNC(mdi_signal_plain)
	SIGNAL_PLAIN mdi_fault_signal
ENDF(mdi_signal_plain)

/* The same for the host's own handlers of all other signals. */
FUNC(mdi_async_pkey)
	SIGNAL_PKEY mdi_host_signal, 1
ENDF(mdi_async_pkey)

FUNC(mdi_async_plain)
	SIGNAL_PLAIN mdi_host_signal
ENDF(mdi_async_plain)

/*
 * rt_sigreturn(2), in the very bytes by which debuggers and unwinders know a
 * signal frame; one byte before it belongs to it, as in the C library's.
 */
	.p2align 4
	nop
LABEL(mdi_signal_restorer)
	.byte	0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00
	syscall
END_OF_FILE
