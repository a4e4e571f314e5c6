/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/service.S - what runs as a service whose caller passes words on
 * its stack. A thunk calls it in place of the service's function, on the host's
 * stack with the host's rights (CALL_SERVICE); it is host code as the function
 * itself is, and no gate's code. C fetches the words: it looks whether the
 * caller may read them, and does not come back where they are not there.
 *
 *	on entry, r is rsp          at the function's first instruction
 *	r          return address   r          return address
 *	                            r - 88     STACK_WORDS words
 *	                            r - 96     return address
 *
 * Words and floats in registers are the function's, and so is the result.
 */
#include "arch/x86_64/gate.h"

	.text

FUNC(mdi_service_stacked_call)
	subq	$STACK_WORDS_SIZE+8, %rsp
	.cfi_adjust_cfa_offset STACK_WORDS_SIZE+8
	SAVE_ARGS
	leaq	ARGS_SIZE(%rsp), %rdi
	callq	*A_SERVICE_STACKED+mdi_arch_state(%rip)
	LOAD_ARGS
	DROP_ARGS
	callq	*%rax
	addq	$STACK_WORDS_SIZE+8, %rsp
	.cfi_adjust_cfa_offset -STACK_WORDS_SIZE-8
	retq
LABEL(mdi_service_stacked_end)
ENDF(mdi_service_stacked_call)
END_OF_FILE
