/* SPDX-License-Identifier: MIT */
/*
 * support/poke.S - see support/poke.h. Arguments come in rdi, rsi, rdx as in
 * C; the result goes back in rax. Call-frame information is there where a
 * backtrace can pass: a function that never returns orderly has only a start.
 */

#include "support/asm.h"

	.text

.macro POKE name
	SYMBOL(\name)
	.p2align 4
\name:
	.cfi_startproc
.endm

.macro END name
	.cfi_endproc
	SYMBOL_END(\name)
.endm

.macro LABEL name
	.globl	\name
\name:
.endm

/* Return, or crash when the second argument says so. */
.macro LEAVE
	test	%rsi, %rsi
	jnz	1f
	xor	%eax, %eax
	ret
1:	ud2
.endm

/* --- memory --- */

POKE poke_load1
	movzbl	(%rdi), %eax
	ret
END poke_load1

POKE poke_load8
	mov	(%rdi), %rax
	ret
END poke_load8

POKE poke_load16
	movups	(%rdi), %xmm0
	movq	%xmm0, %rax
	ret
END poke_load16

POKE poke_load32
	vmovups	(%rdi), %ymm0
	vmovq	%xmm0, %rax
	vzeroupper
	ret
END poke_load32

POKE poke_store1
	mov	%sil, (%rdi)
	xor	%eax, %eax
	ret
END poke_store1

POKE poke_store8
	mov	%rsi, (%rdi)
	xor	%eax, %eax
	ret
END poke_store8

POKE poke_store16
	movups	%xmm0, (%rdi)
	xor	%eax, %eax
	ret
END poke_store16

POKE poke_store32
	vmovups	%ymm0, (%rdi)
	xor	%eax, %eax
	ret
END poke_store32

POKE poke_cmpxchg
	mov	%rsi, %rax
LABEL poke_cmpxchg_at
	lock cmpxchg %rdx, (%rdi)
	ret
END poke_cmpxchg

POKE poke_copy
	mov	%rdx, %rcx
LABEL poke_copy_at
	rep movsb
	xor	%eax, %eax
	ret
END poke_copy

POKE poke_jump
	jmp	*%rdi
END poke_jump

/* --- crashes --- */

POKE poke_ud2
	ud2
END poke_ud2

POKE poke_int3
	int3
	ret
END poke_int3

POKE poke_hlt
	hlt
	ret
END poke_hlt

POKE poke_cli
	cli
	ret
END poke_cli

POKE poke_movaps
	movaps	(%rdi), %xmm0
	ret
END poke_movaps

/* The least number by -1 is more than the greatest one. */
POKE poke_overflow
	mov	$-1, %rcx
	mov	$1, %eax
	ror	$1, %rax
	cqto
LABEL poke_overflow_at
	idiv	%rcx
	ret
END poke_overflow

POKE poke_div0
	xor	%ecx, %ecx
	xor	%edx, %edx
	mov	$1, %eax
LABEL poke_div0_at
	div	%rcx
	ret
END poke_div0

/* The x87 raises at the next waiting instruction: the fwait. */
POKE poke_x87
	fninit
	push	$0x37b
	.cfi_adjust_cfa_offset 8
	fldcw	(%rsp)
	fld1
	fldz
	fdivrp
LABEL poke_x87_at
	fwait
	pop	%rax
	.cfi_adjust_cfa_offset -8
	ret
END poke_x87

POKE poke_sse
	push	$0x1d80
	.cfi_adjust_cfa_offset 8
	ldmxcsr	(%rsp)
	mov	$1, %eax
	cvtsi2ss %eax, %xmm0
	xorps	%xmm1, %xmm1
LABEL poke_sse_at
	divss	%xmm1, %xmm0
	movl	$0x1f80, (%rsp)
	ldmxcsr	(%rsp)
	pop	%rax
	.cfi_adjust_cfa_offset -8
	ret
END poke_sse

/* --- stacks --- */

POKE poke_recurse
	push	%rdi
	call	poke_recurse
LABEL poke_recurse_end
	ret
END poke_recurse

POKE poke_drop
	mov	%rsp, %rdx
	sub	%rdi, %rsp
LABEL poke_drop_at
	movb	$1, (%rsp)
	mov	%rdx, %rsp
	xor	%eax, %eax
	ret
END poke_drop

/* A store on each page from here down, as a compiler's stack probes do. */
POKE poke_dig
	mov	%rsp, %rdx
	mov	%rsp, %rcx
	sub	%rdi, %rcx
1:	sub	$0x1000, %rsp
	cmp	%rcx, %rsp
	jb	2f
	movb	$1, (%rsp)
	jmp	1b
2:	movb	$1, (%rcx)
	mov	%rdx, %rsp
	mov	$1, %eax
	ret
END poke_dig

POKE poke_wild_push
	mov	%rdi, %rsp
LABEL poke_wild_push_at
	push	%rax
	ud2
END poke_wild_push

POKE poke_wild_ud2
	mov	%rdi, %rsp
LABEL poke_wild_ud2_at
	ud2
END poke_wild_ud2

/* No push before the jump: what is written to that stack, the target writes. */
POKE poke_wild_jump
	mov	%rdi, %rsp
	jmp	*%rsi
END poke_wild_jump

POKE poke_local
	mov	%rsp, %rax
	ret
END poke_local

/* --- signals --- */

#define SYS_TKILL 200

POKE poke_tkill
	mov	$SYS_TKILL, %eax
	syscall
	ret
END poke_tkill

/* --- ways back --- */

POKE poke_return_low
	mov	(%rsp), %rax
	sub	%rdi, %rsp
	jmp	*%rax
END poke_return_low

POKE poke_return_to
	mov	%rdi, (%rsp)
	ret
END poke_return_to

POKE poke_smash
	mov	%rdi, %rcx
	mov	%rsi, %rax
	mov	%rsp, %rdi
	cld
	rep stosq
	ret
END poke_smash

POKE poke_far
	mov	$0x2b, %eax /* POKE_USER_DS */
	mov	%eax, %ds
	mov	%rsp, 8(%rdi)
	ljmp	*(%rdi)
END poke_far

/* --- CPU state left behind --- */

POKE poke_trash
	mov	%rdi, %rbx
	mov	%rdi, %rbp
	mov	%rdi, %r12
	mov	%rdi, %r13
	mov	%rdi, %r14
	mov	%rdi, %r15
	LEAVE
END poke_trash

/*
 * The flags last: with the trap flag among them, the trap comes after the
 * instruction that follows, which is the return.
 */
POKE poke_flags
	xor	%eax, %eax
	test	%rsi, %rsi
	push	%rdi
	.cfi_adjust_cfa_offset 8
	jnz	1f
	popf
	.cfi_adjust_cfa_offset -8
	ret
1:	popf
	ud2
END poke_flags

POKE poke_mxcsr
	push	%rdi
	.cfi_adjust_cfa_offset 8
	ldmxcsr	(%rsp)
	pop	%rdi
	.cfi_adjust_cfa_offset -8
	LEAVE
END poke_mxcsr

POKE poke_fcw
	push	%rdi
	.cfi_adjust_cfa_offset 8
	fldcw	(%rsp)
	pop	%rdi
	.cfi_adjust_cfa_offset -8
	LEAVE
END poke_fcw

/* A division by zero, and no instruction that waits for what comes of it. */
POKE poke_late
	push	%rdi
	.cfi_adjust_cfa_offset 8
	fninit
	fldcw	(%rsp)
	pop	%rdi
	.cfi_adjust_cfa_offset -8
	fld1
	fldz
	fdivrp
	LEAVE
END poke_late

POKE poke_x87_full
	.rept 8
	fld1
	.endr
	LEAVE
END poke_x87_full

POKE poke_mmx
	movq	%rdi, %mm0
	movq	%rdi, %mm7
	LEAVE
END poke_mmx

.macro SELECTOR name, register
POKE \name
	mov	%edi, \register
	LEAVE
END \name
.endm

	SELECTOR poke_ds, %ds
	SELECTOR poke_es, %es
	SELECTOR poke_fs, %fs
	SELECTOR poke_gs, %gs

/* --- the rights register; never called where there is none --- */

POKE poke_rdpkru
	xor	%ecx, %ecx
	rdpkru
	ret
END poke_rdpkru

/*
 * Jump into the middle of other people's code, at a wrpkru that would give all
 * rights; what comes back here, by a return or a call of any register, does the
 * load with them.
 */
POKE poke_wrpkru_jump
	lea	1f(%rip), %rax
	mov	$32, %ecx
2:	push	%rsi
	push	%rax
	dec	%ecx
	jnz	2b
	push	%rdi
	mov	%rax, %rbx
	mov	%rax, %rbp
	mov	%rax, %r8
	mov	%rax, %r9
	mov	%rax, %r10
	mov	%rax, %r11
	mov	%rax, %r12
	mov	%rax, %r13
	mov	%rax, %r14
	mov	%rax, %r15
	mov	%rsi, %rdi
	xor	%eax, %eax
	xor	%ecx, %ecx
	xor	%edx, %edx
	ret
1:	mov	(%rdi), %rax
	mov	%rax, poke_leak(%rip)
	movl	$1, poke_leaked(%rip)
	ud2
END poke_wrpkru_jump

/*
 * All general registers from memory, and off. What comes back by a return, with
 * the stack that the module had, looks whether it has got rights.
 */
POKE poke_jump_with
	lea	1f(%rip), %rax
	mov	$64, %ecx
2:	push	%rax
	dec	%ecx
	jnz	2b
	mov	56(%rdi), %rax
	test	%rax, %rax
	cmovnz	%rax, %rsp
	mov	8(%rdi), %rbx
	mov	16(%rdi), %rcx
	mov	24(%rdi), %rdx
	mov	32(%rdi), %rsi
	mov	48(%rdi), %rbp
	mov	64(%rdi), %r8
	mov	72(%rdi), %r9
	mov	80(%rdi), %r10
	mov	88(%rdi), %r11
	mov	96(%rdi), %r12
	mov	104(%rdi), %r13
	mov	112(%rdi), %r14
	mov	120(%rdi), %r15
	mov	0(%rdi), %rax
	mov	40(%rdi), %rdi
	jmp	*%r11
1:	xor	%r8d, %r8d
	xor	%r9d, %r9d
	cmp	%rbx, %r12
	jne	poke_jump_landed
	rdfsbase %r8
	rdgsbase %r9
LABEL poke_jump_landed
	mov	poke_secret(%rip), %rdi
	mov	(%rdi), %rax
	mov	%rax, poke_leak(%rip)
	movl	$1, poke_leaked(%rip)
	ud2
END poke_jump_with

/* The same, and the base of GS is 0; that of FS too. */
POKE poke_jump_without_bases
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	jmp	poke_jump_with
END poke_jump_without_bases

POKE poke_jump_without_gs
	xor	%eax, %eax
	mov	%eax, %gs
	jmp	poke_jump_with
END poke_jump_without_gs

/* --- what the entry finds in its registers --- */

.macro STORE_WORDS
	mov	%rax, 0(%rdi)
	mov	%rbx, 8(%rdi)
	mov	%rcx, 16(%rdi)
	mov	%rdx, 24(%rdi)
	mov	%rsi, 32(%rdi)
	mov	%rdi, 40(%rdi)
	mov	%rbp, 48(%rdi)
	mov	%rsp, 56(%rdi)
	mov	%r8, 64(%rdi)
	mov	%r9, 72(%rdi)
	mov	%r10, 80(%rdi)
	mov	%r11, 88(%rdi)
	mov	%r12, 96(%rdi)
	mov	%r13, 104(%rdi)
	mov	%r14, 112(%rdi)
	mov	%r15, 120(%rdi)
.endm

.macro STORE_MMX
	.irp	n,0,1,2,3,4,5,6,7
	movq	%mm\n, 128 + 64 * 32 + 64 + 8 * \n(%rdi)
	.endr
	emms
.endm

.macro STORE_MODES
	stmxcsr	128 + 64 * 32 + 128(%rdi)
	fnstenv	128 + 64 * 32 + 132(%rdi)
.endm

.macro STORE_XMM
	.irp	n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	movups	%xmm\n, 128 + 64 * \n(%rdi)
	.endr
.endm

.macro STORE_YMM
	.irp	n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	vmovups	%ymm\n, 128 + 64 * \n(%rdi)
	.endr
	vzeroupper
.endm

.macro STORE_ZMM
	.irp	n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20, \
		21,22,23,24,25,26,27,28,29,30,31
	vmovups	%zmm\n, 128 + 64 * \n(%rdi)
	.endr
	.irp	n,0,1,2,3,4,5,6,7
	kmovw	%k\n, %eax
	mov	%rax, 128 + 64 * 32 + 8 * \n(%rdi)
	.endr
	vzeroupper
.endm

.macro REGISTERS name, store
POKE \name
	STORE_WORDS
	\store
	STORE_MODES
	STORE_MMX
	xor	%eax, %eax
	ret
END \name
.endm

	REGISTERS poke_registers_xmm, STORE_XMM
	REGISTERS poke_registers_ymm, STORE_YMM
	REGISTERS poke_registers_zmm, STORE_ZMM

/* rdi holds the place by then: what it held before goes through the stack. */
.macro AFTER name, store
POKE \name
	push	%rbx
	.cfi_adjust_cfa_offset 8
	mov	%rdi, %rbx
	mov	%rdx, %rdi
	call	*%rsi
	push	%rdi
	.cfi_adjust_cfa_offset 8
	mov	%rbx, %rdi
	STORE_WORDS
	pop	%rax
	.cfi_adjust_cfa_offset -8
	mov	%rax, 40(%rdi)
	\store
	STORE_MODES
	STORE_MMX
	xor	%eax, %eax
	pop	%rbx
	.cfi_adjust_cfa_offset -8
	ret
END \name
.endm

	AFTER poke_after_xmm, STORE_XMM
	AFTER poke_after_ymm, STORE_YMM
	AFTER poke_after_zmm, STORE_ZMM

/* --- the host's side --- */

.macro SAVE reg
	push	\reg
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset \reg, 0
.endm

.macro RESTORE reg
	pop	\reg
	.cfi_adjust_cfa_offset -8
	.cfi_restore \reg
.endm

.macro SAVE_ALL
	SAVE	%rbx
	SAVE	%rbp
	SAVE	%r12
	SAVE	%r13
	SAVE	%r14
	SAVE	%r15
.endm

.macro RESTORE_ALL
	RESTORE	%r15
	RESTORE	%r14
	RESTORE	%r13
	RESTORE	%r12
	RESTORE	%rbp
	RESTORE	%rbx
.endm

/*
 * The frame: 0(%rsp) seen, 8 function, 16 an x87 environment. The offsets into
 * struct cpu_seen are asserted in support/cpu.c.
 */
POKE cpu_call
	SAVE_ALL
	sub	$56, %rsp
	.cfi_adjust_cfa_offset 56
	mov	%rdi, (%rsp)
	mov	%rsi, 8(%rsp)
	mov	%rdx, %rdi
	mov	%rcx, %rsi
	mov	%r8, %rdx
	mov	%r9, %rcx
	mov	$0x1111111111111111, %rax
	mov	%rax, %rbx
	lea	(%rax, %rax), %rbp
	lea	(%rbp, %rax), %r12
	lea	(%r12, %rax), %r13
	lea	(%r13, %rax), %r14
	lea	(%r14, %rax), %r15
	call	*8(%rsp)
	pushf
	pop	%rcx
	cld
	mov	(%rsp), %rdi
	mov	%rbx, 0(%rdi)
	mov	%rbp, 8(%rdi)
	mov	%r12, 16(%rdi)
	mov	%r13, 24(%rdi)
	mov	%r14, 32(%rdi)
	mov	%r15, 40(%rdi)
	mov	%rcx, 48(%rdi)
	stmxcsr	56(%rdi)
	fnstcw	60(%rdi)
	fnstenv	16(%rsp)
	fldenv	16(%rsp)
	movzwl	24(%rsp), %ecx
	mov	%cx, 62(%rdi)
	add	$56, %rsp
	.cfi_adjust_cfa_offset -56
	RESTORE_ALL
	ret
END cpu_call

/* rax into all vector registers as wide as edx says, and into the x87's. */
.macro FILL_VECTORS
	.irp	n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	movq	%rax, %xmm\n
	punpcklqdq %xmm\n, %xmm\n
	.endr
	cmp	$1, %edx
	jb	.Lwide\@
	.irp	n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	vinsertf128 $1, %xmm\n, %ymm\n, %ymm\n
	.endr
	cmp	$2, %edx
	jb	.Lwide\@
	.irp	n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20, \
		21,22,23,24,25,26,27,28,29,30,31
	vpbroadcastq %rax, %zmm\n
	.endr
	.irp	n,0,1,2,3,4,5,6,7
	kmovw	%eax, %k\n
	.endr
.Lwide\@:
	.irp	n,0,1,2,3,4,5,6,7
	movq	%rax, %mm\n
	.endr
	emms
.endm

POKE cpu_call_secret
	SAVE_ALL
	push	%rdi
	.cfi_adjust_cfa_offset 8
	mov	%rsi, %rdi
	mov	$0x5ec2e75ec2e75ec2, %rax
	FILL_VECTORS
	mov	%rax, %rbx
	mov	%rax, %rcx
	mov	%rax, %rdx
	mov	%rax, %rsi
	mov	%rax, %rbp
	mov	%rax, %r8
	mov	%rax, %r9
	mov	%rax, %r10
	mov	%rax, %r11
	mov	%rax, %r12
	mov	%rax, %r13
	mov	%rax, %r14
	mov	%rax, %r15
	call	*(%rsp)
	pop	%rdi
	.cfi_adjust_cfa_offset -8
	RESTORE_ALL
	ret
END cpu_call_secret

POKE poke_litter
	mov	%edi, %edx
	mov	$0x5ec2e75ec2e75ec2, %rax
	FILL_VECTORS
	mov	%rax, %rcx
	mov	%rax, %rsi
	mov	%rax, %r8
	mov	%rax, %r9
	mov	%rax, %r10
	mov	%rax, %r11
	lea	1(%rdi), %eax
	mov	%rcx, %rdx
	mov	%rcx, %rdi
	ret
END poke_litter

	CONSTANTS
	.globl	poke_code42, poke_code42_end
poke_code42:
	.byte	0xb8, 42, 0, 0, 0, 0xc3
poke_code42_end:

	.data
	.globl	poke_leak, poke_leaked, poke_secret
	.p2align 3
poke_secret:
	.quad	0
poke_leak:
	.quad	0
poke_leaked:
	.long	0

	END_OF_FILE
