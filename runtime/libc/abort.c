/* SPDX-License-Identifier: MIT */
/* In the place of musl's, which raises a signal: the module's fault. */
#include <stdlib.h>

#include "libc.h"

hidden void __modiso_tell(void);

_Noreturn void abort(void)
{
	__modiso_tell();
	__builtin_trap();
}
