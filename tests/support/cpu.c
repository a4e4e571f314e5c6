/* SPDX-License-Identifier: MIT */
#include "support/poke.h"

#include <elf.h>
#include <sys/auxv.h>

#ifndef HWCAP2_FSGSBASE
#	define HWCAP2_FSGSBASE (1u << 1)
#endif

#define RFLAGS_TF (1u << 8)
#define RFLAGS_DF (1u << 10)
#define RFLAGS_NT (1u << 14)
#define RFLAGS_AC (1u << 18)

/* support/poke.S knows these by number. */
_Static_assert(offsetof(struct cpu_seen, saved) == 0, "");
_Static_assert(offsetof(struct cpu_seen, rflags) == 48, "");
_Static_assert(offsetof(struct cpu_seen, mxcsr) == 56, "");
_Static_assert(offsetof(struct cpu_seen, fcw) == 60, "");
_Static_assert(offsetof(struct cpu_seen, ftw) == 62, "");
_Static_assert(offsetof(struct poke_registers, vector) == 128, "");
_Static_assert(offsetof(struct poke_registers, mask) == 128 + 64 * 32, "");
_Static_assert(offsetof(struct poke_registers, mmx) == 128 + 64 * 33, "");
_Static_assert(offsetof(struct poke_registers, mxcsr) == 128 + 64 * 34, "");
_Static_assert(offsetof(struct poke_registers, x87) == 132 + 64 * 34, "");

const char *cpu_is_host(const struct cpu_seen *seen,
			const struct cpu_seen *before)
{
	int i;

	for (i = 0; i < 6; i++)
		if (seen->saved[i] != CPU_SAVED((uint64_t)i))
			return "a callee-saved register has changed";
	if (seen->rflags & RFLAGS_DF)
		return "the direction flag is set";
	if (seen->rflags & RFLAGS_NT)
		return "the nested-task flag is set";
	if (seen->rflags & RFLAGS_AC)
		return "the alignment-check flag is set";
	if (seen->rflags & RFLAGS_TF)
		return "the trap flag is set";
	/* The six lowest bits are sticky flags: no control, no promise. */
	if ((seen->mxcsr ^ before->mxcsr) & ~0x3fu)
		return "MXCSR has changed";
	if (seen->fcw != before->fcw)
		return "the x87 control word has changed";
	if (seen->ftw != before->ftw)
		return "the x87 stack is not as it was";
	return NULL;
}

bool cpu_has_avx(void)
{
	return __builtin_cpu_supports("avx");
}

enum cpu_vectors cpu_vectors(void)
{
	if (__builtin_cpu_supports("avx512f"))
		return CPU_ZMM;
	return cpu_has_avx() ? CPU_YMM : CPU_XMM;
}

bool cpu_has_fsgsbase(void)
{
	return getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE;
}
