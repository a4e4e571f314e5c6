/* SPDX-License-Identifier: MIT */
/*
 * arch/arch.h - picks the machine's headers.
 */
#ifndef MDI_ARCH_ARCH_H
#define MDI_ARCH_ARCH_H

#if defined(__x86_64__) && defined(__LP64__)
#include "arch/context.h"
#include "arch/x86_64/frame.h"
#include "arch/x86_64/rights.h"
#include "arch/x86_64/signal.h"
#include "arch/x86_64/unwind.h"
#else
#error "libmodiso knows x86-64 (LP64) only"
#endif

#endif /* MDI_ARCH_ARCH_H */
