/* SPDX-License-Identifier: MIT */
/*
 * os/linux/here.h - the thread pointer, and a thread-local variable.
 */
#ifndef MDI_OS_LINUX_HERE_H
#define MDI_OS_LINUX_HERE_H

/* mdi_here of a thread that is not attached: no GS base is ever 1. */
#define MDI_UNATTACHED 1

/* FS is the C library's, and can be another one inside of a module. */
#define MDI_HAS_MODULE_POINTER 1

#ifndef __ASSEMBLER__

#include "base/common.h"

static inline uintptr_t mdi_self(void)
{
	return (uintptr_t)__builtin_thread_pointer();
}

/* The word so many bytes behind the thread pointer, whoever has set that. */
static inline uintptr_t mdi_pointer_word(size_t at)
{
	uintptr_t word;

	__asm__ volatile("movq %%fs:(%1), %0" : "=r"(word) : "r"(at));
	return word;
}

/* Of the calling thread: which block it goes by. */
extern MDI_TLS struct mdi_here {
	/*
	 * The block where the kernel has one of the library's signal stacks
	 * for it, else MDI_UNATTACHED: what a gate compares with
	 * (front/altstack.h).
	 */
	uintptr_t ready;
	/* The block, or MDI_UNATTACHED. */
	uintptr_t block;
} mdi_here __attribute__((aligned(16)));

#define mdi_ready mdi_here.ready
#define mdi_block mdi_here.block

/* Both in one store: no signal comes between the two. */
static inline void mdi_here_set(uintptr_t ready, uintptr_t block)
{
	typedef uintptr_t pair
		__attribute__((vector_size(16), aligned(16), may_alias));

	*(volatile pair *)&mdi_here = (pair){ ready, block };
}

#endif /* __ASSEMBLER__ */

#endif /* MDI_OS_LINUX_HERE_H */
