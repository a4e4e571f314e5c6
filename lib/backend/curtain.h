/* SPDX-License-Identifier: MIT */
/*
 * backend/curtain.h - memory in no region, closed while a module runs that is
 * confined: the process's rights to it are taken away last of all on the way
 * into the module, and given back first of all on the way out.
 *
 * What lies between the two runs without it: the last instructions of a gate's
 * way in, the first ones of its way out, and the first ones of a signal's
 * handler. They touch the library's own memory, their stack and constants. One
 * thread at a time is in such a module (keeper.c), and it alone moves the
 * curtain. A signal can come between any two of its system calls; the state
 * says what its handler has to do.
 */
#ifndef MDI_BACKEND_CURTAIN_H
#define MDI_BACKEND_CURTAIN_H

#include "backend/backend.h"

void mdi_curtain_start(bool stacks);

/*
 * The calling thread is about to be another one's peer: where its stack is, if
 * those of others are closed. 0, or MODISO_ERR_OS.
 */
int mdi_curtain_meet(struct mdi_thread *thread);

/*
 * From now on it covers these, which are readable and writable otherwise, and
 * the stacks of all that are attached but the one that closes it. It is open.
 * MODISO_ERR_LIMIT: too many.
 */
int mdi_curtain_cover(const struct mdi_cover *cover, uint32_t count);
bool mdi_curtain_is_used(void);
/* Does it cover @at? As mdi_range_holds(). */
bool mdi_curtain_holds(uintptr_t at, uintptr_t *until);
/* Or may: where a stack can have grown to other memory may be as well. */
bool mdi_curtain_covers(uintptr_t address);

/*
 * What is left to the process: nothing, or to read. MODISO_ERR_OS: the kernel
 * will not, and it is open; MODISO_ERR_STATE: the caller's stack is under it.
 */
int mdi_curtain_close(uint32_t prot);
/* Nothing where it is open, as it mostly is. */
void mdi_curtain_open(void);
bool mdi_curtain_is_open(void);
/* Changes with each closing. */
uint32_t mdi_curtain_closings(void);

/*
 * A handler begins. MDI_LIFTED_NOT: it is open. MDI_LIFTED_BESIDE: another
 * thread has closed it. Else it was the calling thread's, is open now, and
 * mdi_curtain_lower() closes it again as it was.
 */
#define MDI_LIFTED_NOT    0u
#define MDI_LIFTED_BESIDE 1u
uint32_t mdi_curtain_lift(void);
void mdi_curtain_lower(uint32_t lifted);

#endif /* MDI_BACKEND_CURTAIN_H */
