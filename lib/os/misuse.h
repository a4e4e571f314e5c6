/* SPDX-License-Identifier: MIT */
/*
 * os/misuse.h - the only place that ends the process.
 */
#ifndef MDI_OS_MISUSE_H
#define MDI_OS_MISUSE_H

#include "base/common.h"

/*
 * A mistake that no code can mend: tell the handler, then abort(). @text is
 * one line without its newline. AS-Safe with the default handler.
 */
MDI_NORETURN void mdi_misuse(const char *text);
/* With the sentence of this thread's last failure behind it. */
MDI_NORETURN void mdi_misuse_last(const char *text);

/*
 * Handles begin their life with a mark and lose it at the end, so that one that
 * was destroyed can be told: by luck when its memory has gone to another object
 * of the same kind, else for sure.
 */
#define MDI_MARK_MODULE 0x4d6f6475u
#define MDI_MARK_REGION 0x52656769u
#define MDI_MARK_GATE 0x47617465u
#define MDI_MARK_GATE_MANY 0x47617466u /* it has words on the stack */
#define MDI_MARK_SERVICE 0x53657276u
#define MDI_MARK_THREAD 0x54687264u
#define MDI_MARK_FIBER 0x46696272u

static inline void mdi_check_mark(uint32_t mark, uint32_t expected,
				  const char *text)
{
	if (mark != expected)
		mdi_misuse(text);
}

/* The C library's own abort(), where module code is meant too: os/libc.h. */
void mdi_abort(void) __attribute__((noreturn));

#endif /* MDI_OS_MISUSE_H */
