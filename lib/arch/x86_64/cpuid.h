/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/cpuid.h - what the CPU says, and what the system adds to it.
 */
#ifndef MDI_ARCH_X86_64_CPUID_H
#define MDI_ARCH_X86_64_CPUID_H

#include "base/common.h"

/* EAX, EBX, ECX and EDX of CPUID. */
void mdi_cpu_leaf(uint32_t eax, uint32_t ecx, uint32_t out[4]);

/* May programs read and write the bases of FS and GS? */
bool mdi_cpu_lets_fsgsbase(void);

#endif /* MDI_ARCH_X86_64_CPUID_H */
