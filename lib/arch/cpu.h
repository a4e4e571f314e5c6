/* SPDX-License-Identifier: MIT */
/*
 * arch/cpu.h - what the CPU, and the operating system with it, can do.
 */
#ifndef MDI_ARCH_CPU_H
#define MDI_ARCH_CPU_H

#include "base/common.h"

struct mdi_cpu {
	bool pku;      /* the CPU has protection keys: leaf 7, ECX bit 3 */
	bool ospke;    /* the kernel has switched them on: leaf 7, ECX bit 4 */
	bool fsgsbase; /* rdfsbase and its kind work in user mode */
	bool avx;      /* YMM registers exist and are switched on */
	bool avx2;     /* and integer instructions on them: leaf 7, EBX bit 5 */
	bool avx512;   /* ZMM and mask registers exist and are switched on */
	uint32_t rights_offset; /* of PKRU in an XSAVE area, bytes; 0: none */
};

/* Read once, the same for the life of the process. MT-Safe, AS-Unsafe. */
const struct mdi_cpu *mdi_cpu(void);

/* Why threads cannot have rights of their own by keys here; NULL: they can. */
const char *mdi_cpu_lacks_keys(const struct mdi_cpu *cpu);

#endif /* MDI_ARCH_CPU_H */
