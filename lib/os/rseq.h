/* SPDX-License-Identifier: MIT */
/*
 * os/rseq.h - restartable sequences of the calling thread.
 *
 * The kernel believes the words of the area that a thread has registered, and
 * writes there with whatever rights the thread has when it is interrupted. In a
 * module that can write there it would let the module say where host code goes
 * on; in one that cannot, its own write would fail, and be taken for the
 * module's fault. So a thread that enters modules has none.
 */
#ifndef MDI_OS_RSEQ_H
#define MDI_OS_RSEQ_H

#include "base/common.h"

/*
 * Take back what the C library has registered; @had: it had. MODISO_ERR_STATE:
 * the program has registered an area of its own, whose address only the program
 * knows; MODISO_ERR_OS: the kernel does not let it be taken back.
 */
int mdi_rseq_take(bool *had);
/* Register it again. */
void mdi_rseq_give(void);
/* 0, or MODISO_ERR_STATE: the program has registered one since. Keeps errno. */
int mdi_rseq_check(void);

#endif /* MDI_OS_RSEQ_H */
