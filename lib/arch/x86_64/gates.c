/* SPDX-License-Identifier: MIT */
/* Gates that are made for the CPU that there is. */
#include "arch/cpu.h"
#include "arch/x86_64/frame.h"

void mdi_arch_start(void)
{
	struct mdi_arch_state *own = &mdi_arch_state;
	const struct mdi_cpu *cpu = mdi_cpu();

	own->fsgsbase = cpu->fsgsbase;
	own->avx = cpu->avx;
	own->avx512 = cpu->avx512;
	own->amx = cpu->amx;
	own->apx = cpu->apx;
	own->wide = mdi_cpu_wide(cpu);
	own->flags = CLEAN_FLAGS_VALUE;
}

/* The usual CPU's registers are known when a gate is assembled. */
void (*mdi_gate_pkey_scrub(uint32_t words, uint32_t floats))(void)
{
	static void (*const scrub[])(void) = {
		mdi_gate_pkey_scrub_0, mdi_gate_pkey_scrub_1,
		mdi_gate_pkey_scrub_2, mdi_gate_pkey_scrub_3,
		mdi_gate_pkey_scrub_4, mdi_gate_pkey_scrub_5,
		mdi_gate_pkey_scrub_6,
	};
	const struct mdi_cpu *cpu = mdi_cpu();

	return floats == 0 && cpu->avx && !mdi_cpu_wide(cpu)
		       ? scrub[words]
		       : mdi_gate_pkey_scrub_any;
}
