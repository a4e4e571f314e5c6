/* SPDX-License-Identifier: MIT */
/*
 * os/program.h - memory that the program's own threads live in: its heap and
 * their stacks.
 */
#ifndef MDI_OS_PROGRAM_H
#define MDI_OS_PROGRAM_H

#include "base/common.h"

/*
 * What brk(2) has been asked for, by whole pages: most of what malloc(3) gives
 * the program's first thread comes from there. -1, and the sentence is set.
 */
int mdi_heap_find(uintptr_t *base, uintptr_t *end);
/* Where it ends now. AS-Safe. */
uintptr_t mdi_heap_end(void);

/*
 * From now on malloc(3) takes all blocks from there, of all threads.
 * MODISO_ERR_NOTSUP: some are elsewhere, or will be. For the whole life of the
 * process: nobody can say what it was like before.
 */
int mdi_heap_take_all(void);

/*
 * The block that malloc(3) has given out or has kept, whose bytes, or whose
 * length right in front of them, an address of the heap is in. False: it is not
 * known; what is there may be another allocator's.
 */
bool mdi_heap_block(uintptr_t address, uintptr_t *block, size_t *length);

/*
 * The calling thread's stack, as far as others can do without it: not the pages
 * of its thread-local variables, which the kernel writes to, and the library's
 * handlers. *@grows: it goes on below @base, as far as it is mapped. -1, and
 * the sentence is set.
 */
int mdi_stack_find(uintptr_t *base, uintptr_t *end, bool *grows);
/* As mdi_mem_protect(), of that. */
int mdi_stack_protect(uintptr_t base, uintptr_t end, bool grows, uint32_t prot);

#endif /* MDI_OS_PROGRAM_H */
