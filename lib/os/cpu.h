/* SPDX-License-Identifier: MIT */
/*
 * os/cpu.h - what the CPU, and the operating system with it, can do.
 */
#ifndef MDI_OS_CPU_H
#define MDI_OS_CPU_H

#include "base/common.h"

struct mdi_cpu {
	bool pku;      /* the CPU has protection keys: leaf 7, ECX bit 3 */
	bool ospke;    /* the kernel has switched them on: leaf 7, ECX bit 4 */
	bool fsgsbase; /* rdfsbase and its kind work in user mode */
	bool avx;      /* YMM registers exist and are switched on */
	bool avx2;     /* and integer instructions on them: leaf 7, EBX bit 5 */
	bool avx512;   /* ZMM and mask registers exist and are switched on */
	uint32_t pkru_offset; /* of PKRU in an XSAVE area, bytes; 0: none */
};

/* Read once, the same for the life of the process. MT-Safe, AS-Unsafe. */
const struct mdi_cpu *mdi_cpu(void);

#endif /* MDI_OS_CPU_H */
