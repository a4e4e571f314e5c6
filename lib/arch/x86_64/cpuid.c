/* SPDX-License-Identifier: MIT */
#include "arch/x86_64/cpuid.h"

#include <libcpuid/libcpuid.h>
#include <sys/auxv.h>

/* AT_HWCAP2 bit 1: the kernel lets user mode use the FSGSBASE instructions. */
#define HWCAP2_FSGSBASE (1ul << 1)

void mdi_cpu_leaf(uint32_t eax, uint32_t ecx, uint32_t out[4])
{
	out[0] = eax;
	out[1] = 0;
	out[2] = ecx;
	out[3] = 0;
	cpu_exec_cpuid_ext(out);
}

bool mdi_cpu_lets_fsgsbase(void)
{
	return getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE;
}
