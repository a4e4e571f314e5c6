/* SPDX-License-Identifier: MIT */
/*
 * front/mask.h - the signals that faults come as, in the program's masks.
 *
 * The kernel ends the process when a fault comes as a signal that is blocked.
 * So a thread that blocks one of them enters no module; and where it is in a
 * gate's call already, in a service, in a handler that interrupted the module,
 * or as the module itself, these are left out of what it blocks.
 *
 * Gates ask nothing for that: a thread that may have blocked one has no
 * mdi_ready (front/altstack.h), and the gate's way through C asks the kernel.
 */
#ifndef MDI_FRONT_MASK_H
#define MDI_FRONT_MASK_H

#include "core/thread.h"

/*
 * sigprocmask(2) as the program asks for it; @set and @old may be NULL. Returns
 * an errno, or 0. AS-Safe.
 */
int mdi_mask_change(int how, const uint64_t *set, uint64_t *old);

/* longjmp(3) to there may bring another mask along. AS-Safe. */
void mdi_mask_jumps(const void *jmp_buf);

/* May the calling thread enter modules? 0, MODISO_ERR_STATE or _OS. */
int mdi_mask_check(void);

#endif /* MDI_FRONT_MASK_H */
