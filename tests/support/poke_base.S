/* SPDX-License-Identifier: MIT */
/*
 * support/poke_base.S - what of support/poke.h changes a segment base. In a
 * program that has these instructions there is no guarded module.
 */

	.text

.macro POKE name
	.globl	\name
	.type	\name, @function
	.p2align 4
\name:
	.cfi_startproc
.endm

.macro END name
	.cfi_endproc
	.size	\name, . - \name
.endm

/* Return, or crash when the second argument says so. */
.macro LEAVE
	test	%rsi, %rsi
	jnz	1f
	xor	%eax, %eax
	ret
1:	ud2
.endm

POKE poke_far_gs
	wrgsbase %rsi
	jmp	poke_far
END poke_far_gs

POKE poke_fsbase
	wrfsbase %rdi
	LEAVE
END poke_fsbase

POKE poke_gsbase
	wrgsbase %rdi
	LEAVE
END poke_gsbase

	.section .note.GNU-stack, "", @progbits
