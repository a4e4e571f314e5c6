/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/pkru.h - the rights register, and the two segment bases.
 *
 * PKRU has two bits for each of 16 keys (Intel SDM 3A, 4.6.2):
 *
 *	bit 2k      AD: no access at all to pages with key k
 *	bit 2k + 1  WD: no writing
 *
 * Execution is never stopped. RDPKRU and WRPKRU raise #UD unless CPUID says
 * OSPKE: nothing here may run unless the pkey backend has been started.
 */
#ifndef MDI_ARCH_X86_64_PKRU_H
#define MDI_ARCH_X86_64_PKRU_H

#include "arch/x86_64/frame.h"
#include "base/common.h"

#define MDI_PKRU_KEYS 16
#define MDI_PKRU_AD(key) (1u << (2 * (key)))
#define MDI_PKRU_WD(key) (2u << (2 * (key)))
#define MDI_PKRU_BOTH(key) (3u << (2 * (key)))

/* Bit 9 of XSTATE_BV: the XSAVE area holds PKRU (else PKRU loads as 0). */
#define MDI_XSTATE_PKRU (1u << 9)

static inline uint32_t mdi_rdpkru(void)
{
	uint32_t low, high;

	__asm__ volatile(".byte 0x0f, 0x01, 0xee"
			 : "=a"(low), "=d"(high)
			 : "c"(0));
	return low;
}

/* No rights but to key 0: what the kernel starts a handler with. */
static inline bool mdi_rights_are_handlers(void)
{
	uint32_t pkru = mdi_rdpkru();

	return ((pkru | pkru >> 1) & 0x55555555u) == 0x55555554u;
}

/*
 * PKRU := host_pkru of the calling thread's open page. There is no function
 * that writes any other value: see gate_pkey.S.
 */
void mdi_rights_reload(void);

static inline uintptr_t mdi_rdfsbase(void)
{
	uintptr_t base;

	__asm__ volatile("rdfsbase %0" : "=r"(base));
	return base;
}

static inline uintptr_t mdi_rdgsbase(void)
{
	uintptr_t base;

	__asm__ volatile("rdgsbase %0" : "=r"(base));
	return base;
}

/* The load stops module code that jumps here: see HOST_ONLY in frame.h. */
static inline void mdi_wrgsbase(uintptr_t base)
{
	__asm__ volatile("wrgsbase %0\n\tcmpl $0, %1"
			 :
			 : "r"(base), "m"(mdi_arch_state.pid)
			 : "memory", "cc");
}

#endif /* MDI_ARCH_X86_64_PKRU_H */
