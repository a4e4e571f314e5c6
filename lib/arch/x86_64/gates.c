/* SPDX-License-Identifier: MIT */
/* Gates that are made for the CPU that there is. */
#include "arch/context.h"
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
	own->flags = FLAGS_UNCLEAN;
	own->tokens_read = 0;
}

#define WAYS(kind)                                                             \
	{                                                                      \
		{ mdi_gate_##kind, mdi_gate_##kind##_many },                   \
		{ mdi_gate_##kind##_scrub, mdi_gate_##kind##_scrub_many },     \
	}

void (*mdi_gate_plain_of(const struct mdi_gate_shape *shape))(void)
{
	static void (*const ways[2][2][2][2])(void) = {
		{ WAYS(plain), WAYS(plain_rec) },
		{ WAYS(plain_tls), WAYS(plain_tls_rec) },
	};

	return ways[shape->tls][shape->recorded][shape->scrub]
		   [shape->words > REGISTER_WORDS];
}

#define HIDDEN __attribute__((visibility("hidden")))

extern HIDDEN const int32_t __start_mdi_late_sites[];
extern HIDDEN const int32_t __stop_mdi_late_sites[];

bool mdi_gate_hears_late(uintptr_t pc)
{
	return mdi_is_listed(__start_mdi_late_sites, __stop_mdi_late_sites, pc);
}
