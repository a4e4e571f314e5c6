/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/signal.S - the first instructions of the fault handler.
 *
 *	register        on entry                for mdi_front_fault()
 *	rdi rsi rdx     signo, info, context    the same
 *	rcx             -                       struct mdi_thread, or NULL
 *	rbx r12         the interrupted code's  its FS and GS base
 *	r14             the interrupted code's  0; before: the stack's token
 *
 * Nothing in a register but what the kernel put there is trusted, nor that it
 * was the kernel that came here: a module can jump to each instruction, with
 * registers of its choice. What tells the two apart is what a handler may do
 * before it has taken rights: the kernel starts it with key 0 open, which a
 * READONLY module cannot write and a SEALED one cannot touch. So the first
 * thing is a note in memory under key 0 that somebody has arrived (ARRIVE), and
 * after the last WRPKRU the note must be there, and is taken away. Whoever
 * jumps in before the note cannot write it, and behind it there is none. Until
 * then nothing is written anywhere, the stack not excepted.
 *
 * The note alone is another thread's as well as ours. The alternate stack tells
 * the thread; its FS base, or gettid(2) when a module has changed that,
 * confirms it, because a module can put any address into RSP. The context must
 * lie where the kernel puts it, right above RSP. Handlers on any other stack:
 * FROM_KERNEL.
 *
 * The kernel clears DF, TF and RF, but not AC.
 *
 * A module with TLS has an FS base of its own (core/tls.h), and is found in the
 * same way as one that has changed it. C runs with the thread's, and the module
 * gets back the one that it had.
 *
 * A module whose system calls are guarded has a selector that says no, and so
 * has its thread here until the last of these checks is done: before that no
 * system call is made on such a thread, and whose the thread is, is asked of GS
 * where the FS base does not say. Two selectors, which any code may load, take
 * both bases away. Then what counts is the token of the stack, a random number
 * beside the note. It is loaded with the note, before there are rights: so who
 * has it in r14 can read key 0, and was started here by the kernel, which put
 * the thread on its own stack. A jumper comes later, and would have to guess
 * it. It is gone from r14 before C runs; a signal in between would show it on a
 * stack that modules can read (before Linux 6.12), and is blocked there. A
 * READONLY module reads key 0: from the first one on whose calls are stopped,
 * tokens count for nothing. The store to the selector is the first one after
 * the note was there, so that nobody's selector is changed but the thread's
 * own.
 */
#include "arch/x86_64/asm.h"
#include "arch/x86_64/frame.h"

#define SYS_GETPID 39
#define SYS_SIGALTSTACK 131
#define SYS_GETTID 186
#define ARCH_GET_FS 0x1003

	ENTRY_TEXT

/* r10: the block that belongs to the alternate stack at rsp, or to \foreign. */
.macro BLOCK_OF_STACK foreign
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
.endm

/*
 * The same behind a change of rights that a module can jump to: no register
 * says who this is, and FS is the host's by then. A jumper's is its own, so it
 * comes no further than to its own block, whose note says that nobody has
 * arrived; GS, where an entry has put it, would be what the jumper likes, and
 * so another thread's, for which somebody may have arrived. Uses rax.
 */
.macro SAME_BLOCK
	BLOCK_OF_STACK mdi_gate_bad
	rdfsbase %rax
	cmpq	%rax, T_FS_BASE(%r10)
	jne	mdi_gate_bad
	movq	T_CURRENT(%r10), %r10
.endm

/*
 * r10: the block that belongs to the alternate stack at rsp, or to \foreign;
 * and from there to that of the fiber that the thread runs, if it runs one. Who
 * switches has made that one ready before (core/fiber.c).
 * In a child that module code has forked the thread id is another one, and so
 * is the process id. With keys GS was read to r12, and r14 is what ARRIVE has
 * put there. Uses rax, rcx.
 */
.macro BLOCK_BY_STACK foreign, keys
	BLOCK_OF_STACK \foreign
	cmpl	$0, A_FSGSBASE+mdi_arch_state(%rip)
	je	.Lask\@
	rdfsbase %rax
	cmpq	%rax, T_FS_BASE(%r10)
	je	.Lmine\@
.Lask\@:
.if \keys
	movq	T_CURRENT(%r10), %rax
	cmpb	$0, RO_SELECTOR(%rax)
	jne	.Lguarded\@
	.subsection 1
.Lguarded\@:
	cmpq	%rax, %r12
	je	.Lmine\@
	cmpl	$0, A_TOKENS_READ+mdi_arch_state(%rip)
	jne	mdi_signal_end
	NOTE
	testq	%r14, %r14
	jz	mdi_gate_bad
	cmpq	%r14, N_TOKEN(%rcx,%rax)
	je	.Lmine\@
	jmp	mdi_gate_bad
	.previous
.endif
	movl	$SYS_GETTID, %eax
	syscall
	cmpl	%eax, T_TID(%r10)
	je	.Lmine\@
	movl	$SYS_GETPID, %eax
	syscall
	cmpl	%eax, A_PID+mdi_arch_state(%rip)
	je	mdi_gate_bad
.Lmine\@:
	movq	T_CURRENT(%r10), %r10
.endm

/*
 * rcx, rax: the table of notes, and where in it. A note of the second half is
 * that of one thread, whose alternate stack RSP is on: nobody else arrives
 * there. In the first half are all other stacks, by bits of their addresses.
 */
.macro NOTE
	movq	%rsp, %rax
	subq	N_ALTSTACKS+mdi_arrivals(%rip), %rax
	cmpq	$MDI_THREADS_MAX<<MDI_ALTSTACK_SHIFT, %rax
	sbbl	%ecx, %ecx
	andl	$MDI_THREADS_MAX, %ecx
	movq	%rsp, %rax
	shrq	$MDI_ALTSTACK_SHIFT, %rax
	andl	$MDI_THREADS_MAX-1, %eax
	orl	%ecx, %eax
	shll	$N_SHIFT, %eax
	leaq	mdi_arrivals(%rip), %rcx
.endm

/*
 * A count, as a signal may interrupt this. Never 0, whatever was there. Then
 * who it was, the last of them; and the stack's token, to r14. Uses rax, rcx,
 * r11.
 */
.macro ARRIVE
	NOTE
	lock incl N_COUNT(%rcx,%rax)
	jnz	.Lcame\@
	lock incl N_COUNT(%rcx,%rax)
.Lcame\@:
	movq	%rsp, N_SP(%rcx,%rax)
	rdfsbase %r11
	movq	%r11, N_FS_BASE(%rcx,%rax)
	movq	N_TOKEN(%rcx,%rax), %r14
.endm

/* Uses rax, rcx, r11. */
.macro ARRIVED
	NOTE
	movq	$0, N_SP(%rcx,%rax)
	movl	$-1, %r11d
	lock xaddl %r11d, N_COUNT(%rcx,%rax)
	testl	%r11d, %r11d
	jz	.Lnobody\@
	.subsection 1
.Lnobody\@:
	lock incl N_COUNT(%rcx,%rax)
	jmp	mdi_gate_bad
	.previous
.endm

/*
 * Not on an alternate stack of ours: the program has given the kernel another
 * one, or none, by itself, or the library does not know the thread. Whoever
 * brings the token was started by the kernel, and then it was the kernel that
 * has put the context there. What it says of the rights at that time tells a
 * SEALED or READONLY module, for which key 0 is not open, from host code, which
 * goes on without a system call: the program may have stopped them itself.
 *
 * Such a module can have changed FS and GS, also to those of another thread, by
 * a jump to an instruction that writes them. So the kernel is asked who it is,
 * and FS must be the thread's or that of its module with TLS. One whose module
 * may make no system call does not go on.
 *
 * Where a module may have read the token, all are asked. Who has jumped here
 * then is told by the restorer, and by the note, which must say that the last
 * one that has arrived on this very stack was this thread.
 *
 * C is to find the thread by the host's FS, and has its stack protector there:
 * without one it would fault again, and so would each fault of that. rbx: the
 * one that the thread has come with. Uses rax, rcx, r11, r14.
 */
.macro FROM_KERNEL
	rdfsbase %rbx
	testq	%rbx, %rbx
	jz	mdi_signal_end
	cmpl	$0, A_TOKENS_READ+mdi_arch_state(%rip)
	jne	.Lask_tid\@
	NOTE
	testq	%r14, %r14
	jz	mdi_gate_bad
	cmpq	%r14, N_TOKEN(%rcx,%rax)
	jne	mdi_gate_bad
	xorl	%r14d, %r14d
	movq	UC_FPREGS(%rdx), %rax
	testq	%rax, %rax
	jz	mdi_gate_bad
	testl	$MDI_XSTATE_PKRU, XSTATE_BV_OFFSET(%rax)
	jz	.Lelse\@ /* all rights */
	movl	A_RIGHTS_OFFSET+mdi_arch_state(%rip), %ecx
	testl	$3, (%rax,%rcx)
	jnz	.Lask_tid\@
	/* A GUARD module with TLS. */
	rdgsbase %r11
	subq	A_BLOCKS+mdi_arch_state(%rip), %r11
	cmpq	$MDI_THREADS_MAX*MDI_BLOCK_SIZE-1, %r11
	ja	.Lelse\@
	andl	$MDI_BLOCK_MASK, %r11d
	addq	A_BLOCKS+mdi_arch_state(%rip), %r11
	movq	T_FRAME(%r11), %rax
	testq	%rax, %rax
	jz	.Lelse\@
	cmpq	%rbx, -F_SIZE+F_TP(%rax)
	jne	.Lelse\@
	movq	T_FS_BASE(%r11), %rcx
	wrfsbase %rcx
	HOST_ONLY
	jmp	.Lelse\@
.Lask_tid\@:
	xorl	%eax, %eax
	wrfsbase %rax /* a SIGSYS that comes now is not to find a module's */
	HOST_ONLY
	movl	$SYS_GETTID, %eax
	syscall
	xorl	%ecx, %ecx
	leaq	A_TIDS+mdi_arch_state(%rip), %r11
.Lnext\@:
	cmpl	A_TIDS_END+mdi_arch_state(%rip), %ecx
	jae	.Lhost_code\@
	incl	%ecx
	cmpl	%eax, -4(%r11,%rcx,4)
	jne	.Lnext\@
	decl	%ecx
	shlq	$MDI_BLOCK_SHIFT, %rcx
	addq	A_BLOCKS+mdi_arch_state(%rip), %rcx
	movq	T_CURRENT(%rcx), %r11
	movq	T_FRAME(%r11), %rax
	cmpq	$0, -F_SIZE+F_SERVICE_SP(%rax)
	jne	.Lhost_code\@
	movq	T_FS_BASE(%r11), %rcx
	cmpq	%rbx, %rcx
	je	.Lits_fs\@
	cmpq	%rbx, -F_SIZE+F_TP(%rax)
	jne	mdi_gate_bad
.Lits_fs\@:
	wrfsbase %rcx
	HOST_ONLY
	leaq	8(%rsp), %rax
	cmpq	%rax, %rdx
	jne	mdi_gate_bad
	leaq	mdi_signal_restorer(%rip), %rax
	cmpq	%rax, (%rsp)
	jne	mdi_gate_bad
	NOTE
	cmpq	%rsp, N_SP(%rcx,%rax)
	jne	mdi_gate_bad
	cmpq	%rbx, N_FS_BASE(%rcx,%rax)
	jne	mdi_gate_bad
	jmp	.Lelse\@
.Lhost_code\@:
	wrfsbase %rbx
	HOST_ONLY
.Lelse\@:
.endm

/*
 * No instruction of 32-bit code, which a module can go to by a far jump: where
 * the library lies below 4 GiB the bytes behind a WRPKRU would do something
 * else there, to addresses that are cut off. Before any of memory; uses r9.
 */
.macro ONLY_64_BIT
	rdfsbase %r9
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
	ONLY_64_BIT
	movq	%r8, %rdx
.endm

/* From all rights to those in eax; what follows must not believe in them. */
.macro HOST_PKRU
	movq	%rdx, %r8
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	WRPKRU
	ONLY_64_BIT
	movq	%r8, %rdx
.endm

/*
 * The kernel puts the context right above RSP. Else this is a function call, by
 * a handler that hands on what is not its own: it is served with the rights
 * that the caller has. A module can do the same, or jump over this; what is
 * below asks again. Uses rax.
 */
.macro FROM_CODE keys
	leaq	8(%rsp), %rax
	cmpq	%rax, %rdx
	je	.Lnot_code\@
	movl	$\keys, %ecx
	jmp	mdi_signal_called
.Lnot_code\@:
.endm

/*
 * Somebody has got the entry from the kernel while the library ran, and put it
 * in again when it was over: then there are no threads to be found. A module
 * is not there either.
 */
.macro UNLESS_OVER label
	cmpq	$0, A_BLOCKS+mdi_arch_state(%rip)
	je	\label
.endm

/*
 * Linux before 6.12 writes the frame with the rights of the code that it
 * interrupts, so each module has rights to where it begins, on each thread
 * (MDI_ALTSTACK_OPEN). What it says of host code, and what the handler goes on
 * by, is not for the modules that come later, nor for one that the handler
 * calls: so the frame moves down the stack, to pages that are closed, before
 * anything is pushed, and zeros stay where it was. All signals are blocked
 * here. One that comes while C runs finds no alternate stack, and its frame
 * begins where that is, with the host's rights: it stays.
 *
 * A module that runs on another thread meanwhile can write there before this
 * has. What is believed of the frame is its length alone, and that once,
 * as far as the stack goes.
 *
 * Keeps rdi, r9, rbx, r12; rsi, rdx and rsp move. Uses rax, rcx, r8, r11, r13,
 * r15.
 */
.macro FRAME_AWAY
	cmpl	$0, A_FRAMES_OPEN+mdi_arch_state(%rip)
	je	.Lstays\@
	movl	%esp, %eax
	andl	$MDI_ALTSTACK_PART-1, %eax
	cmpl	$MDI_ALTSTACK_PART-MDI_ALTSTACK_OPEN, %eax
	jb	.Lstays\@
	movq	%rdi, %r8
	movq	%rsi, %r11
	movq	UC_FPREGS(%rdx), %r13
	movq	%r13, %rax
	subq	%rsp, %rax
	cmpq	$MDI_ALTSTACK_OPEN, %rax
	ja	mdi_gate_bad
	movl	%esp, %eax
	negl	%eax
	andl	$MDI_ALTSTACK_PART-1, %eax
	FRAME_WORDS %rax
	movl	%ecx, %r15d
	movq	%rsp, %rsi
	leaq	-MDI_ALTSTACK_OPEN(%rsp), %rdi
	rep movsq
	movq	%rsp, %rdi
	movl	%r15d, %ecx
	xorl	%eax, %eax
	rep stosq
	subq	$MDI_ALTSTACK_OPEN, %rsp
	subq	$MDI_ALTSTACK_OPEN, %rdx
	subq	$MDI_ALTSTACK_OPEN, %r13
	movq	%r13, UC_FPREGS(%rdx)
	leaq	-MDI_ALTSTACK_OPEN(%r11), %rsi
	movq	%r8, %rdi
.Lstays\@:
.endm

/*
 * ecx: how many words the frame at rsp has, whose vector state is at r13; more
 * than @room bytes it cannot have.
 */
.macro FRAME_WORDS room
	movl	XSTATE_SIZE_OFFSET(%r13), %ecx
	leaq	7(%r13,%rcx), %rcx
	subq	%rsp, %rcx
	cmpq	\room, %rcx
	ja	mdi_gate_bad
	shrl	$3, %ecx
.endm

/*
 * And back: the kernel reads the end of the frame with the rights that it has
 * loaded from it, a module's. It is that one's state by now, and no signal
 * comes any more.
 */
.macro RETURN_BY_OPEN
	movq	8+UC_FPREGS(%rsp), %r13
	FRAME_WORDS $MDI_ALTSTACK_OPEN
	movq	%rsp, %rsi
	leaq	MDI_ALTSTACK_OPEN(%rsp), %rdi
	rep movsq
	addq	$MDI_ALTSTACK_OPEN, %r13
	movq	%r13, 8+UC_FPREGS+MDI_ALTSTACK_OPEN(%rsp)
	leaq	8+MDI_ALTSTACK_OPEN(%rsp), %rsp
	jmp	mdi_signal_restorer
.endm

/* MDI_SIGNAL_MARK of signal.h; FUNC aligns to 16, so it stays in front. */
#define MARK .p2align 4; .ascii "libmodiso-signal"

/*
 * To mdi_resume(), by the copy of the frame at rax, in the block of the thread
 * itself. GS is the block that it goes by: no module's making.
 */
.macro RETURN_BY_COPY
	movq	%rax, %r10
	andq	$-MDI_BLOCK_SIZE, %r10
	movq	T_CURRENT(%r10), %r10
	wrfsbase %rbx
	wrgsbase %r10
	HOST_ONLY
	movq	%rax, %rsp
	jmp	mdi_signal_restorer
.endm

.macro SIGNAL_PKEY handler, async
	FROM_CODE 1
	ARRIVE
	RIGHTS_ALL
	UNLESS_OVER .Lover\@
	rdfsbase %rbx
	rdgsbase %r12
	BLOCK_BY_STACK .Lforeign\@, 1
	movq	T_FS_BASE(%r10), %rax
	wrfsbase %rax
	wrgsbase %r10
	HOST_ONLY
.if \async
	movl	T_HOST_PKRU(%r10), %eax
	HOST_PKRU
	movl	%eax, %r13d
	SAME_BLOCK
	cmpl	T_HOST_PKRU(%r10), %r13d
	jne	mdi_gate_bad
.endif
	leaq	T_FS_BASE(%r10), %r9
	jmp	.Lcall\@
.Lforeign\@:
.if \async
	movl	A_HANDLER_PKRU+mdi_arch_state(%rip), %eax
	HOST_PKRU
	cmpl	A_HANDLER_PKRU+mdi_arch_state(%rip), %eax
	jne	mdi_gate_bad
.endif
	FROM_KERNEL
	xorl	%r9d, %r9d
.Lcall\@:
	xorl	%r14d, %r14d
	ARRIVED
	testq	%r9, %r9
	jz	.Lallowed\@
	movb	$0, RO_SELECTOR-T_FS_BASE(%r9)
	FRAME_AWAY
.Lallowed\@:
	pushq	$2
	popfq
	movq	%r9, %rcx
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	callq	*\handler+mdi_arch_state(%rip)
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	cmpq	$WAY_BACK, %rax
	jb	1f
	cmpq	$WAY_OPEN, %rax
	ja	2f
	wrfsbase %rbx
	wrgsbase %r12
	HOST_ONLY
	cmpl	$WAY_OPEN, %eax
	je	3f
1:	retq
2:	RETURN_BY_COPY
3:	RETURN_BY_OPEN
.Lover\@:
	ARRIVED
	pushq	$2
	popfq
	jmp	mdi_signal_over
.endm

/*
 * Without FSGSBASE the kernel is asked for the base of FS, which the handler's
 * thread-local words need: rbx = what it was, the host's from here on. Loading
 * any selector has changed it. Keeps what the handler is given; uses r13, r14.
 */
.macro HOST_FS_BASE
	movq	%rdi, %r13
	movq	%rsi, %r14
	pushq	$0
	movl	$ARCH_GET_FS, %edi
	movq	%rsp, %rsi
	movl	$SYS_ARCH_PRCTL, %eax
	syscall
	popq	%rbx
	movq	T_FS_BASE(%r10), %rsi
	cmpq	%rsi, %rbx
	je	.Lis_host\@
	SET_FS_BASE
.Lis_host\@:
	movq	%r13, %rdi
	movq	%r14, %rsi
.endm

.macro SIGNAL_PLAIN handler
	FROM_CODE 0
	pushq	$2
	popfq
	UNLESS_OVER mdi_signal_over
	BLOCK_BY_STACK .Lforeign\@, 0
	leaq	T_FS_BASE(%r10), %r9
.Lknown\@:
	leaq	T_FS_BASE(%r10), %r15
	cmpl	$0, A_FSGSBASE+mdi_arch_state(%rip)
	je	.Lask_kernel\@
	rdfsbase %rbx
	rdgsbase %r12
	movq	T_FS_BASE(%r10), %rax
	cmpq	%rax, %rbx
	je	.Lcall\@
	wrfsbase %rax
	HOST_ONLY
	jmp	.Lcall\@
.Lask_kernel\@:
	HOST_FS_BASE
	jmp	.Lcall\@
	/* C finds the thread by FS: the host's, also where a module has TLS. */
.Lforeign\@:
	xorl	%r9d, %r9d
	cmpl	$0, A_FSGSBASE+mdi_arch_state(%rip)
	je	.Lhas_fs\@
	rdfsbase %rbx
	testq	%rbx, %rbx
	jz	mdi_signal_end
.Lhas_fs\@:
	movq	POINTED_BLOCK, %r10
	movq	%r10, %rax
	subq	A_BLOCKS+mdi_arch_state(%rip), %rax
	cmpq	$MDI_THREADS_MAX*MDI_BLOCK_SIZE-1, %rax
	ja	.Lhost_fs\@
	testl	$MDI_BLOCK_SIZE-1, %r10d
	jz	.Lknown\@
.Lhost_fs\@:
	xorl	%r15d, %r15d
	cmpl	$0, A_FSGSBASE+mdi_arch_state(%rip)
	je	.Lcall\@
	rdgsbase %r12
.Lcall\@:
	movq	%r9, %rcx
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	callq	*\handler+mdi_arch_state(%rip)
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	testq	%rax, %rax
	jz	1f
	cmpl	$0, A_FSGSBASE+mdi_arch_state(%rip)
	je	.Ltell_kernel\@
	wrfsbase %rbx
	wrgsbase %r12
	HOST_ONLY
1:	retq
.Ltell_kernel\@:
	testq	%r15, %r15 /* a thread that nothing was changed for */
	jz	1b
	cmpq	(%r15), %rbx
	je	1b
	movq	%rbx, %rsi
	SET_FS_BASE
	retq
.endm

/*
 * The end of the process, for a thread that C cannot run on. There may be no
 * system call: a guarded module's selector stops it. But a signal ends it,
 * whatever its handler is, when RSP is on the alternate stack and the kernel's
 * frame does not fit there. It skips 128 bytes below RSP first, and begins at
 * the top again when it is off the stack by that: so frames that pile up do not
 * end for sure. The context in rdx says where the stack begins. Where a jumper
 * has made it, the kernel brings its own now, and comes here once more.
 */
FUNC(mdi_signal_end)
	movq	UC_STACK(%rdx), %rax
	leaq	128+8(%rax), %rsp
	ud2
ENDF(mdi_signal_end)

	MARK
FUNC(mdi_signal_pkey)
	SIGNAL_PKEY A_FAULT_SIGNAL, 0
ENDF(mdi_signal_pkey)

	MARK
FUNC(mdi_signal_plain)
	SIGNAL_PLAIN A_FAULT_SIGNAL
ENDF(mdi_signal_plain)

/* The same for the host's own handlers of all other signals. */
FUNC(mdi_async_pkey)
	.cfi_personality 0x1b, mdi_unwind_handler
	SIGNAL_PKEY A_HOST_SIGNAL, 1
ENDF(mdi_async_pkey)

FUNC(mdi_async_plain)
	.cfi_personality 0x1b, mdi_unwind_handler
	SIGNAL_PLAIN A_HOST_SIGNAL
ENDF(mdi_async_plain)

/*
 * sigaltstack(2), called with RSP somewhere else: the kernel exchanges no
 * alternate stack that RSP is on. No signal may come meanwhile: it would find
 * the old stack free.
 *
 *	rdi rsi         the new stack, the old one      as the system call
 *	rdx             RSP during the call
 *	r8              the caller's RSP                kept by the kernel
 */
FUNC(mdi_altstack_from)
	movq	%rsp, %r8
	.cfi_def_cfa_register %r8
	movq	%rdx, %rsp
	movl	$SYS_SIGALTSTACK, %eax
	syscall
	movq	%r8, %rsp
	.cfi_def_cfa_register %rsp
	retq
ENDF(mdi_altstack_from)

/*
 * A handler of the host's on another stack. Unwinders walk over it.
 *
 *	rdi rsi rdx     signo, info, context            the same
 *	rcx             the handler                     -
 *	r8              RSP during the call             -
 *	rbp             the caller's                    the caller's RSP
 */
FUNC(mdi_handler_on)
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	movq	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	movq	%r8, %rsp
	andq	$-16, %rsp
	callq	*%rcx
	movq	%rbp, %rsp
	.cfi_def_cfa_register %rsp
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbp
	retq
ENDF(mdi_handler_on)

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
