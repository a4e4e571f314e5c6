/* SPDX-License-Identifier: MIT */
/*
 * os/windows/here.h - the thread's environment block (TEB), and a word in it.
 *
 * The GS base is the TEB, and no code may change it. It holds the words of the
 * first 64 indexes of TlsAlloc(): one of them, which a thread has as NULL at
 * first, is the block. A thread-local variable of the compiler's would be a
 * call of its run-time library, on whatever stack.
 */
#ifndef MDI_OS_WINDOWS_HERE_H
#define MDI_OS_WINDOWS_HERE_H

/* The word of a thread that is not attached. */
#define MDI_UNATTACHED 0

/* GS is the system's alone: a module has no thread pointer of its own. */
#define MDI_HAS_MODULE_POINTER 0

#ifndef __ASSEMBLER__

#include "base/common.h"

/* Where in the TEB the word is. */
extern uintptr_t mdi_here_offset;

/* And where os/windows/critical.h counts: the same of another index. */
extern uintptr_t mdi_critical_offset;

/* Could both be had? */
bool mdi_here_works(void);

static inline uintptr_t mdi_self(void)
{
	uintptr_t teb;

	__asm__("movq %%gs:0x30, %0" : "=r"(teb));
	return teb;
}

/* No module sets one. */
static inline uintptr_t mdi_pointer_word(size_t at)
{
	(void)at;
	return 0;
}

static inline uintptr_t mdi_here(void)
{
	uintptr_t word;

	__asm__ volatile("movq %%gs:(%1), %0"
			 : "=r"(word) : "r"(mdi_here_offset) : "memory");
	return word;
}

/* No signal comes between the two: they are one. */
#define mdi_ready mdi_here()
#define mdi_block mdi_here()

static inline void mdi_here_set(uintptr_t ready, uintptr_t block)
{
	(void)ready;
	__asm__ volatile("movq %0, %%gs:(%1)"
			 : : "r"(block), "r"(mdi_here_offset) : "memory");
}

#endif /* __ASSEMBLER__ */

#endif /* MDI_OS_WINDOWS_HERE_H */
