/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/fiber.S - a thread goes by another block.
 *
 * This is mdi_fiber_switch() of core/fiber.c without its errors: the same steps
 * in the same order, for a switch that nothing stands in the way of. In all
 * other cases nothing has changed, and @otherwise is called in its place, with
 * the same argument: that one knows what to say.
 *
 *	register   on entry        then
 *	rdi        to, or NULL     struct mdi_thread of the block to go by
 *	rsi        otherwise       kept until nothing can stand in the way
 *	r10        -               the block that the thread goes by, then its
 *	                           struct mdi_thread
 *	r8         -               struct mdi_thread of the thread itself
 *	r9         -               the free frame, then the block of rdi
 *	r11        -               where mdi_here is, from the FS base
 *	rdx        -               selectors; where mdi_critical is, likewise
 *	rax rcx    -               scratch; rax: the result
 *	xmm0       -               FS base, host rights, tid; the block, twice
 *
 * What changes hands. Who the thread is: FS base, id, host rights, selectors,
 * 24 bytes, which both of the block's pages have. And which block it goes by:
 * T_CURRENT of the thread's own, for signal entries; the GS base and mdi_here,
 * for gates and for C. Frames, links and stacks stay where they are.
 *
 * What is trusted. The caller is host code, or a module that calls an exported
 * function. With keys PKRU is not the host's then, and C refuses. A module that
 * jumps behind that comparison meets memory that it has no rights to: at the
 * first use of r10 or rdi that is a block, or at HOST_ONLY, behind the only
 * instruction that more than memory depends on. A GUARD module may write
 * mdi_here and make r10 what it likes: it reads and writes with its own rights
 * there. rsi is where the code goes on, with the rights of who calls. With page
 * permissions a module is known by its frame, as everywhere.
 *
 * A signal here. Up to the critical section the thread goes by its old block,
 * and a handler that switches and does not switch back ends the process
 * (front/handler.c). A handler that switches to the fiber which is claimed here
 * already is told that a thread runs it. In the critical section handlers are
 * kept for later. A fault signal that somebody has sent is not kept. Its
 * handler goes by T_CURRENT, which is the GS base for its time; so it has the
 * new block while mdi_here names the old one, and a gate that it calls goes to
 * C and is refused. Both words of mdi_here change in one store: with one of
 * them new a gate would begin in one block, and C would find its stack in the
 * other. Behind it the thread goes by the new block.
 *
 * Another thread. The claim is the one locked instruction: of two threads that
 * want a fiber one gets it. What it finds there was written before T_HOST
 * became NULL, as stores stay in order.
 */
#include "arch/x86_64/asm.h"
#include "arch/x86_64/frame.h"

/* A member of struct mdi_thread, whose address is in a register. */
#define OF_THREAD(offset) offset-T_FS_BASE

/* r10: the block, of a thread that a gate would take; host code runs. */
.macro HOST_BLOCK_PKEY
	movq	mdi_here@gottpoff(%rip), %r11
	rdgsbase %r10
	cmpq	%fs:H_READY(%r11), %r10
	jne	.Lotherwise
	xorl	%ecx, %ecx
	RDPKRU
	cmpl	%gs:RO_HOST_PKRU, %eax
	jne	.Lotherwise
.endm

.macro HOST_BLOCK_PLAIN
	movq	mdi_here@gottpoff(%rip), %r11
	movq	%fs:H_READY(%r11), %r10
	cmpl	$MDI_UNATTACHED, %r10d
	je	.Lotherwise
.endm

/* No module runs, and no handler that has interrupted one. */
.macro MAY_SWITCH
	movq	T_HOST(%r10), %r8
	movq	T_FRAME(%r10), %r9
	cmpq	$MDI_INTERRUPTED, -F_SIZE+F_SERVICE_SP(%r9)
	jbe	.Lotherwise
.endm

/* A fiber that nobody runs is the thread's from here on. */
.macro CLAIM own
	testq	%rdi, %rdi
	jz	\own
	cmpl	$FIBER_MARK, OF_THREAD(T_MARK)(%rdi)
	jne	.Lotherwise
	xorl	%eax, %eax
	lock cmpxchgq %r8, OF_THREAD(T_HOST)(%rdi)
	jne	.Lotherwise
.endm

.macro WHO_RUNS_IT
	movups	T_FS_BASE(%r10), %xmm0
	movq	T_SELECTORS(%r10), %rdx
	movups	%xmm0, (%rdi)
	movups	%xmm0, OF_THREAD(RO_FS_BASE)(%rdi)
	movq	%rdx, OF_THREAD(T_SELECTORS)(%rdi)
	movq	%rdx, OF_THREAD(RO_SELECTORS)(%rdi)
.endm

/*
 * No window is open, and the thread is not to be taken out of its next call:
 * who asks for that has frozen the thread, which cannot be here. Then the fiber
 * that the thread leaves is anybody's.
 */
.macro GO_BY keys
	leaq	-T_FS_BASE(%rdi), %r9
	movq	mdi_critical@gottpoff(%rip), %rdx
	movq	%r9, %xmm0
	punpcklqdq %xmm0, %xmm0
	incl	%fs:C_DEPTH(%rdx)
	cmpq	$0, T_WINDOW_COUNT(%r10)
	jne	.Lgive_back
	movq	%r9, OF_THREAD(T_CURRENT)(%r8)
.if \keys
	wrgsbase %r9
	HOST_ONLY
.endif
	movaps	%xmm0, %fs:(%r11)
	addq	$T_FS_BASE, %r10
	cmpq	%r8, %r10
	je	.Lthread_itself\@
	movq	$0, OF_THREAD(T_HOST)(%r10)
.Lthread_itself\@:
	decl	%fs:C_DEPTH(%rdx)
	jne	.Ldone\@
	cmpl	$0, %fs:C_SIGNO(%rdx)
	jne	.Lkept
.Ldone\@:
	xorl	%eax, %eax
	retq
.endm

/* rdi: the thread itself, which goes by a fiber's block now. */
.macro OWN
	movq	%r8, %rdi
	leaq	T_FS_BASE(%r10), %rax
	cmpq	%rax, %r8
	je	.Lself
.endm

	ENTRY_TEXT

/* void mdi_block_base_set(base): see rights.h. */
FUNC(mdi_block_base_set)
	wrgsbase %rdi
	HOST_ONLY
	retq
ENDF(mdi_block_base_set)

FUNC(mdi_fiber_switch_pkey)
	HOST_BLOCK_PKEY
	MAY_SWITCH
	CLAIM .Lown_pkey
.Lclaimed_pkey:
	WHO_RUNS_IT
	GO_BY 1
.Lown_pkey:
	OWN
	jmp	.Lclaimed_pkey
ENDF(mdi_fiber_switch_pkey)

/* GS is the program's: frames that another thread has made name its base. */
FUNC(mdi_fiber_switch_plain)
	HOST_BLOCK_PLAIN
	MAY_SWITCH
	CLAIM .Lown_plain
	movl	T_TID(%r10), %eax
	cmpl	%eax, OF_THREAD(T_TID)(%rdi)
	jne	.Lunclaim
.Lclaimed_plain:
	WHO_RUNS_IT
	GO_BY 0
.Lown_plain:
	OWN
	jmp	.Lclaimed_plain
.Lunclaim:
	movq	$0, OF_THREAD(T_HOST)(%rdi)
.Lotherwise:
	notrack jmpq *%rsi
.Lself:
	xorl	%eax, %eax
	retq
	/* Nothing has changed, and NULL is the thread again. */
.Lgive_back:
	cmpq	%r8, %rdi
	je	.Lgive_back_own
	movq	$0, OF_THREAD(T_HOST)(%rdi)
	jmp	.Lgiven_back
.Lgive_back_own:
	xorl	%edi, %edi
.Lgiven_back:
	decl	%fs:C_DEPTH(%rdx)
	jne	.Lotherwise
	cmpl	$0, %fs:C_SIGNO(%rdx)
	je	.Lotherwise
	pushq	%rdi
	.cfi_adjust_cfa_offset 8
	pushq	%rsi
	.cfi_adjust_cfa_offset 8
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	callq	mdi_critical_deliver
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	popq	%rsi
	.cfi_adjust_cfa_offset -8
	popq	%rdi
	.cfi_adjust_cfa_offset -8
	jmp	.Lotherwise
	/* Signals that have come meanwhile. */
.Lkept:
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	callq	mdi_critical_deliver
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	xorl	%eax, %eax
	retq
ENDF(mdi_fiber_switch_plain)

LABEL(mdi_fiber_switch_end)
END_OF_FILE
