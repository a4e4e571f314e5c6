/* SPDX-License-Identifier: MIT */
#include "code/state.h"

#include "os/objects.h"

struct mdi_code_state mdi_code_state __attribute__((used)) = {
	.jit.version = 1,
};

/*
 * gdb finds it by this name, in each file that has it. Weak: a program may
 * link in other makers of code, which have their own.
 */
MDI_ALSO_NAMED("__jit_debug_descriptor", "mdi_code_state", "4096");

_Static_assert(sizeof(struct mdi_code_state) == 4096,
	       "as long as its name says");
