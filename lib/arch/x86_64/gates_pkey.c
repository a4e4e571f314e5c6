/* SPDX-License-Identifier: MIT */
/* Which gate with keys is for this CPU, and what is known of their code. */
#include "arch/context.h"
#include "arch/cpu.h"
#include "arch/x86_64/frame.h"

#define WAYS(kind)                                                             \
	{                                                                      \
		mdi_gate_##kind##_scrub_0, mdi_gate_##kind##_scrub_1,          \
			mdi_gate_##kind##_scrub_2, mdi_gate_##kind##_scrub_3,  \
			mdi_gate_##kind##_scrub_4, mdi_gate_##kind##_scrub_5,  \
			mdi_gate_##kind##_scrub_6,                             \
			mdi_gate_##kind##_scrub_any, mdi_gate_##kind,          \
			mdi_gate_##kind##_six, mdi_gate_##kind##_scrub_many,   \
			mdi_gate_##kind##_many                                 \
	}

/* The usual CPU's registers are known when a gate is assembled. */
void (*mdi_gate_pkey_of(const struct mdi_gate_shape *shape,
			bool guarded))(void)
{
	static void (*const ways[2][2][2][12])(void) = {
		{ { WAYS(pkey), WAYS(pkey_rec) },
		  { WAYS(guard), WAYS(guard_rec) } },
		{ { WAYS(pkey_tls), WAYS(pkey_tls_rec) },
		  { WAYS(guard_tls), WAYS(guard_tls_rec) } },
	};
	const struct mdi_cpu *cpu = mdi_cpu();
	bool known = shape->floats == 0 && cpu->avx && !mdi_cpu_wide(cpu);
	uint32_t way = known ? shape->words : 7;

	if (shape->words > REGISTER_WORDS)
		way = shape->scrub ? 10 : 11;
	else if (!shape->scrub)
		way = shape->words > 2 ? 9 : 8;
	return ways[shape->tls][guarded][shape->recorded][way];
}

#define HIDDEN __attribute__((visibility("hidden")))

extern HIDDEN const int32_t __start_mdi_rights_sites[];
extern HIDDEN const int32_t __stop_mdi_rights_sites[];

#define STORE_SIZE 9 /* movq %rax, %gs:0 */
/* wrpkru; cmpl %gs:0, %eax with a prefix; jne */
#define CHECK_SIZE (3 + 9 + 6)

/* How far @pc is behind the WRPKRU before it, of those behind such a store. */
static size_t behind_store(uintptr_t pc)
{
	const int32_t *site = __start_mdi_rights_sites;
	size_t least = SIZE_MAX, behind;

	for (; site < __stop_mdi_rights_sites; site++) {
		behind = pc - ((uintptr_t)site + (uintptr_t)(intptr_t)*site);
		if (behind < least)
			least = behind;
	}
	return least;
}

size_t mdi_rights_stored(uintptr_t pc)
{
	return behind_store(pc) == 0 ? STORE_SIZE : 0;
}

bool mdi_is_gate_begin(uintptr_t pc)
{
	const struct mdi_gate_family *family =
		&mdi_gate_families[MDI_GATE_FAMILIES - 1];
	uintptr_t far = pc - (uintptr_t)mdi_gate_pkey;

	if (pc < (uintptr_t)mdi_gate_pkey || pc >= (uintptr_t)mdi_service_pkey)
		return false;
	/* Who has the host's rights behind it has jumped to the WRPKRU. */
	if (behind_store(pc) - 1 < CHECK_SIZE - 1)
		return false;
	while (far < family->begin)
		family--;
	return far < family->exit || far >= family->six;
}
