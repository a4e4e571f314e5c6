/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/tls.S - see arch/tls.h. No gate's code: a fault here is the
 * module's, as one in its own code.
 *
 *	__tls_get_addr   rdi    two words     rax    the address
 *	descriptor       rax    the second    rax    the distance; all other
 *	                        is behind it         registers are kept
 */
#include "arch/x86_64/asm.h"
#include "arch/x86_64/frame.h"

	.text

FUNC(mdi_tls_address)
	movq	%fs:TCB_SELF, %rax
	addq	(%rdi), %rax
	addq	8(%rdi), %rax
	retq
ENDF(mdi_tls_address)

FUNC(mdi_tls_described)
	movq	8(%rax), %rax
	retq
ENDF(mdi_tls_described)
END_OF_FILE
