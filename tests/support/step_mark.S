/* SPDX-License-Identifier: MIT */
/*
 * support/step_mark.S - see support/tracer.h. The tracer knows them by address.
 */
	.text

.macro MARK name
	.globl	\name
	.type	\name, @function
	.p2align 4
\name:
	.cfi_startproc
	int3
	ret
	.cfi_endproc
	.size	\name, . - \name
.endm

MARK step_begin
MARK step_end

	.section .note.GNU-stack, "", @progbits
