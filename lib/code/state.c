/* SPDX-License-Identifier: MIT */
#include "code/state.h"

struct mdi_code_state mdi_code_state __attribute__((used)) = {
	.jit.version = 1,
};

/*
 * gdb finds it by this name, in each file that has it. Weak: a program may
 * link in other makers of code, which have their own. By the assembler: to
 * AddressSanitizer an alias is a variable of its own, which ends earlier.
 */
__asm__(".weak __jit_debug_descriptor\n\t"
	".type __jit_debug_descriptor, @object\n\t"
	".size __jit_debug_descriptor, 4096\n\t"
	".set __jit_debug_descriptor, mdi_code_state");

_Static_assert(sizeof(struct mdi_code_state) == 4096,
	       "as long as its name says");
