/* SPDX-License-Identifier: MIT */
/*
 * fuzz_coverage.c - linked into a module that is fuzzed: where the counters are
 * that clang has put into it.
 */
#ifndef TXM_MODULE
#define TXM_MODULE
#endif
#include "txm_module.h"

/* From module.ld: a byte for each place, and two words, address and kind. */
extern UCHAR __start___sancov_cntrs[], __stop___sancov_cntrs[];
extern ALIGN_TYPE __start___sancov_pcs[], __stop___sancov_pcs[];

/* What the constructors would call that clang makes; a module runs none. */
VOID __sanitizer_cov_8bit_counters_init(UCHAR *start, UCHAR *stop);
VOID __sanitizer_cov_pcs_init(const ALIGN_TYPE *start, const ALIGN_TYPE *stop);

VOID __sanitizer_cov_8bit_counters_init(UCHAR *start, UCHAR *stop)
{
	(VOID) start;
	(VOID) stop;
}

VOID __sanitizer_cov_pcs_init(const ALIGN_TYPE *start, const ALIGN_TYPE *stop)
{
	(VOID) start;
	(VOID) stop;
}

ALIGN_TYPE demo_module_coverage(ULONG which);
ALIGN_TYPE demo_module_coverage(ULONG which)
{
	switch (which) {
	case 0:
		return (ALIGN_TYPE)__start___sancov_cntrs;
	case 1:
		return (ALIGN_TYPE)__stop___sancov_cntrs;
	case 2:
		return (ALIGN_TYPE)__start___sancov_pcs;
	default:
		return (ALIGN_TYPE)__stop___sancov_pcs;
	}
}
