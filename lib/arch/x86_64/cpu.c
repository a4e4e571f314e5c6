/* SPDX-License-Identifier: MIT */
#include "arch/cpu.h"

#include "arch/x86_64/cpuid.h"
#include "arch/x86_64/frame.h"

#include <pthread.h>
#include <stdio.h>

/*
 * XCR0. AVX-512 is masks, ZMM_Hi256 and Hi16_ZMM; AMX is the configuration of
 * tiles and their data. Bounds (MPX) are not cleared: the instructions that
 * read them do nothing while BNDCFGU says so, which XRSTOR alone can change: a
 * system call for it there is no more, and the scanner refuses XRSTOR.
 */
#define XCR0_X87_SSE 0x3ull
#define XCR0_AVX     0x6ull
#define XCR0_AVX512  0xe6ull
#define XCR0_MPX     (3ull << 3)
#define XCR0_PKRU    (1ull << 9)
#define XCR0_AMX     (3ull << 17)
#define XCR0_APX     (1ull << 19)

/* State component 9 of XSAVE is PKRU. */
#define XSAVE_PKRU 9u

static struct mdi_arch_state *const own = &mdi_arch_state;

static uint64_t read_xcr0(void)
{
	uint32_t low, high;

	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (uint64_t)high << 32 | low;
}

static bool has_all(uint64_t xcr0, uint64_t bits)
{
	return (xcr0 & bits) == bits;
}

void mdi_cpu_registers(struct mdi_cpu *cpu, uint64_t xcr0, bool avx,
		       bool avx512)
{
	cpu->avx = avx && has_all(xcr0, XCR0_AVX);
	cpu->avx512 = cpu->avx && avx512 && has_all(xcr0, XCR0_AVX512);
	cpu->amx = has_all(xcr0, XCR0_AMX);
	cpu->apx = has_all(xcr0, XCR0_APX);
	cpu->others = xcr0 & ~(XCR0_X87_SSE | XCR0_MPX | XCR0_PKRU |
			       (cpu->avx ? XCR0_AVX : 0) |
			       (cpu->avx512 ? XCR0_AVX512 : 0) |
			       (cpu->amx ? XCR0_AMX : 0) | XCR0_APX);
}

bool mdi_cpu_wide(const struct mdi_cpu *cpu)
{
	return cpu->avx512 || cpu->amx || cpu->apx;
}

bool mdi_cpu_clears(const struct mdi_cpu *cpu, char *why, size_t size)
{
	if (cpu->others == 0)
		return true;
	snprintf(why, size,
		 "this CPU has registers that this version cannot clear (bit "
		 "%d of XCR0), so modules could read what the host left "
		 "there; have the kernel switch them off (clearcpuid=)",
		 __builtin_ctzll(cpu->others));
	return false;
}

static void read_cpu(void)
{
	uint32_t r[4], highest;
	bool avx, avx512 = false;
	uint64_t xcr0 = 0;

	mdi_cpu_leaf(0, 0, r);
	highest = r[0];
	mdi_cpu_leaf(1, 0, r);
	if (r[2] & (1u << 27)) /* OSXSAVE: xgetbv may be executed */
		xcr0 = read_xcr0();
	avx = r[2] & (1u << 28);
	if (highest >= 7) {
		mdi_cpu_leaf(7, 0, r);
		own->cpu.pku = r[2] & (1u << 3);
		own->cpu.ospke = r[2] & (1u << 4);
		own->cpu.avx2 = avx && has_all(xcr0, XCR0_AVX) &&
				(r[1] & (1u << 5));
		avx512 = r[1] & (1u << 16);
	}
	mdi_cpu_registers(&own->cpu, xcr0, avx, avx512);
	if (highest >= 0xd && own->cpu.ospke) {
		mdi_cpu_leaf(0xd, XSAVE_PKRU, r);
		own->cpu.rights_offset = r[0] ? r[1] : 0;
	}
	own->cpu.fsgsbase = mdi_cpu_lets_fsgsbase();
}

const struct mdi_cpu *mdi_cpu(void)
{
	pthread_once(&own->cpu_once, read_cpu);
	return &own->cpu;
}

const char *mdi_cpu_lacks_keys(const struct mdi_cpu *cpu)
{
	if (!cpu->pku)
		return "this CPU has no protection keys (CPUID leaf 7, ECX bit "
		       "3: PKU)";
	if (!cpu->ospke)
		return "the CPU has protection keys, the kernel has not "
		       "switched them on (OSPKE clear: \"nopku\" on the kernel "
		       "command line, or CONFIG_X86_INTEL_MEMORY_PROTECTION_"
		       "KEYS off)";
	if (!cpu->fsgsbase)
		return "the kernel does not let programs use FSGSBASE (Linux "
		       "5.9 or newer without \"nofsgsbase\" does)";
	if (cpu->rights_offset == 0)
		return "XSAVE does not save PKRU on this machine";
	return NULL;
}
