/* SPDX-License-Identifier: MIT */
/*
 * core/jump.h - longjmp(3) over the edge of a module: where does it lead?
 */
#ifndef MDI_CORE_JUMP_H
#define MDI_CORE_JUMP_H

#include "core/module.h"

/* Does this longjmp(3) of module code stay off the host's stack? AS-Safe. */
bool mdi_jump_stays(const struct mdi_thread *thread,
		    const struct modiso_module *module,
		    const struct mdi_context *context);

/*
 * Host code runs as the module: it was left by a jump that nobody saw, and what
 * the frames say of the host's stack may be long overwritten. Not so where the
 * module cannot write to the host's stack: there it is as it was. AS-Safe.
 */
bool mdi_jump_ran_past(const struct mdi_thread *thread,
		    const struct modiso_module *module,
		    const struct mdi_context *context);

/*
 * Before a longjmp(3), whoever calls it. A module's comes to the fault handler
 * by a door when it leads far; of a host's, the gates that it jumps over are
 * over. True: it leaves a signal stack that the C library's own check does not
 * know.
 */
bool mdi_jump_begins(const void *jmp_buf);

#endif /* MDI_CORE_JUMP_H */
