/* SPDX-License-Identifier: MIT */
#include "arch/x86_64/cpuid.h"

#include <cpuid.h>

void mdi_cpu_leaf(uint32_t eax, uint32_t ecx, uint32_t out[4])
{
	__cpuid_count(eax, ecx, out[0], out[1], out[2], out[3]);
}

/* GS leads to the TEB, and is not to be touched; the gates do without. */
bool mdi_cpu_lets_fsgsbase(void)
{
	return false;
}
