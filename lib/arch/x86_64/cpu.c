/* SPDX-License-Identifier: MIT */
#include "arch/cpu.h"

#include "arch/x86_64/frame.h"

#include <libcpuid/libcpuid.h>
#include <pthread.h>
#include <sys/auxv.h>

/* AT_HWCAP2 bit 1: the kernel lets user mode use the FSGSBASE instructions. */
#define HWCAP2_FSGSBASE (1ul << 1)

/* XCR0: SSE and AVX state; opmask, ZMM_Hi256 and Hi16_ZMM state. */
#define XCR0_AVX 0x6u
#define XCR0_AVX512 0xe6u

/* State component 9 of XSAVE is PKRU. */
#define XSAVE_PKRU 9u

static struct mdi_arch_state *const own = &mdi_arch_state;

static void leaf(uint32_t eax, uint32_t ecx, uint32_t out[4])
{
	out[0] = eax;
	out[1] = 0;
	out[2] = ecx;
	out[3] = 0;
	cpu_exec_cpuid_ext(out);
}

static uint32_t read_xcr0(void)
{
	uint32_t low, high;

	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return low;
}

static void read_cpu(void)
{
	uint32_t r[4], highest, xcr0 = 0;

	leaf(0, 0, r);
	highest = r[0];
	leaf(1, 0, r);
	if (r[2] & (1u << 27)) /* OSXSAVE: xgetbv may be executed */
		xcr0 = read_xcr0();
	own->cpu.avx = (r[2] & (1u << 28)) && (xcr0 & XCR0_AVX) == XCR0_AVX;
	if (highest >= 7) {
		leaf(7, 0, r);
		own->cpu.pku = r[2] & (1u << 3);
		own->cpu.ospke = r[2] & (1u << 4);
		own->cpu.avx2 = own->cpu.avx && (r[1] & (1u << 5));
		own->cpu.avx512 = (r[1] & (1u << 16)) &&
				  (xcr0 & XCR0_AVX512) == XCR0_AVX512;
	}
	if (highest >= 0xd && own->cpu.ospke) {
		leaf(0xd, XSAVE_PKRU, r);
		own->cpu.rights_offset = r[0] ? r[1] : 0;
	}
	own->cpu.fsgsbase = getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE;
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

void mdi_arch_start(void)
{
	const struct mdi_cpu *cpu = mdi_cpu();

	own->fsgsbase = cpu->fsgsbase;
	own->avx = cpu->avx;
	own->avx512 = cpu->avx512;
	own->flags = CLEAN_FLAGS_VALUE;
}
