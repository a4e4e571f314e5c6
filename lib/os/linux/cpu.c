/* SPDX-License-Identifier: MIT */
#include "os/cpu.h"

#include "os/linux/state.h"

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

static struct mdi_cpu_state *const own = &mdi_os_state.cpu;

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
		own->cpu.pkru_offset = r[0] ? r[1] : 0;
	}
	own->cpu.fsgsbase = getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE;
}

const struct mdi_cpu *mdi_cpu(void)
{
	pthread_once(&own->once, read_cpu);
	return &own->cpu;
}
