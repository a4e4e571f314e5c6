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
	bool amx;      /* tiles do */
	bool apx;      /* r16 to r31 do */
	uint64_t others; /* registers that are none of these: bits of XCR0 */
	uint32_t rights_offset; /* of PKRU in an XSAVE area, bytes; 0: none */
};

/*
 * Which registers there are, from XCR0, where the system has said what it saves
 * for a thread. Whatever it saves can hold what host code left there. @avx,
 * @avx512: the CPU says that it has the instructions.
 */
void mdi_cpu_registers(struct mdi_cpu *cpu, uint64_t xcr0, bool avx,
		       bool avx512);

/* Does any of those that are known lie beside x87, XMM and YMM? */
bool mdi_cpu_wide(const struct mdi_cpu *cpu);

/* Can gates clear all of them? Else @why, of @size bytes, says why not. */
bool mdi_cpu_clears(const struct mdi_cpu *cpu, char *why, size_t size);

/* Read once, the same for the life of the process. MT-Safe, AS-Unsafe. */
const struct mdi_cpu *mdi_cpu(void);

/* Why threads cannot have rights of their own by keys here; NULL: they can. */
const char *mdi_cpu_lacks_keys(const struct mdi_cpu *cpu);

#endif /* MDI_ARCH_CPU_H */
