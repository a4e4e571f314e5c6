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
void (*mdi_gate_pkey_scrub(uint32_t words, uint32_t floats,
			   bool guarded))(void)
{
	static void (*const scrub[2][8])(void) = {
		{ mdi_gate_pkey_scrub_0, mdi_gate_pkey_scrub_1,
		  mdi_gate_pkey_scrub_2, mdi_gate_pkey_scrub_3,
		  mdi_gate_pkey_scrub_4, mdi_gate_pkey_scrub_5,
		  mdi_gate_pkey_scrub_6, mdi_gate_pkey_scrub_any },
		{ mdi_gate_guard_scrub_0, mdi_gate_guard_scrub_1,
		  mdi_gate_guard_scrub_2, mdi_gate_guard_scrub_3,
		  mdi_gate_guard_scrub_4, mdi_gate_guard_scrub_5,
		  mdi_gate_guard_scrub_6, mdi_gate_guard_scrub_any },
	};
	const struct mdi_cpu *cpu = mdi_cpu();
	bool known = floats == 0 && cpu->avx && !mdi_cpu_wide(cpu);

	return scrub[guarded][known ? words : 7];
}

extern const int32_t __start_mdi_rights_sites[]
	__attribute__((visibility("hidden")));
extern const int32_t __stop_mdi_rights_sites[]
	__attribute__((visibility("hidden")));

#define STORE_SIZE 9 /* movq %rax, %gs:0 */

size_t mdi_rights_stored(uintptr_t pc)
{
	const int32_t *site = __start_mdi_rights_sites;

	for (; site < __stop_mdi_rights_sites; site++)
		if ((uintptr_t)site + (uintptr_t)(intptr_t)*site == pc)
			return STORE_SIZE;
	return 0;
}
