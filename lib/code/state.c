/* SPDX-License-Identifier: MIT */
#include "code/state.h"

struct mdi_code_state mdi_code_state __attribute__((used)) = {
	.jit.version = 1,
};

/*
 * gdb finds it by this name, in each file that has it. Weak: a program may
 * link in other makers of code, which have their own.
 */
extern struct mdi_jit_descriptor __jit_debug_descriptor __attribute__((
	weak, alias("mdi_code_state"), visibility("default")));
