/* SPDX-License-Identifier: MIT */
/*
 * arch/arch.h - what a CPU supplies to everything above: the contents of a
 * port. arch/x86_64/ is the one that there is.
 */
#ifndef MDI_ARCH_ARCH_H
#define MDI_ARCH_ARCH_H

#include "arch/context.h" /* the machine state that a trap has saved */
#include "arch/cpu.h"     /* what the CPU can do, and may do here */

#if defined(__x86_64__) && __SIZEOF_POINTER__ == 8
#include "arch/x86_64/frame.h"  /* blocks, frames, links; the gates */
#include "arch/x86_64/rights.h" /* a thread's rights as a word; block base */
#include "arch/x86_64/unwind.h" /* doors; jumps; the unwinder at a gate */
#else
#error "libmodiso knows x86-64 with 64-bit pointers only"
#endif

/* How traps come in, for each backend; what it is is the system's. */
struct mdi_signal_entries;
extern const struct mdi_signal_entries mdi_entries_pkey, mdi_entries_plain;

#endif /* MDI_ARCH_ARCH_H */
