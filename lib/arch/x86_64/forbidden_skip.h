/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/forbidden_skip.h - over the bytes at which no forbidden encoding
 * begins.
 *
 * Two bytes decide where it is worth looking closer, and are a pair here: 0f
 * with 01, 05, 34, ae or c7; cd with 80; d5 with 80 to ff. Code has few. Where
 * neither of the kinds that begin with cd and d5 is wanted, only 0f begins one:
 * what is asked of a module under GUARD.
 *
 * There are several ways to look for one. They answer the same for the same
 * bytes, which unit/check_scan_skip and the fuzzer compare.
 */
#ifndef MDI_ARCH_X86_64_FORBIDDEN_SKIP_H
#define MDI_ARCH_X86_64_FORBIDDEN_SKIP_H

#include "base/common.h"

#include <modiso/scan.h>

/*
 * The index of the first pair for one of @kinds that begins at @at or later and
 * lies within @length bytes; @length when there is none. Nothing else is read.
 */
typedef size_t mdi_scan_skip_fn(const uint8_t *bytes, size_t length, size_t at,
				uint32_t kinds);

#define MDI_SCAN_BESIDE_0F ((uint32_t)(MODISO_SCAN_INT80 | MODISO_SCAN_REX2))

mdi_scan_skip_fn mdi_scan_skip_plain; /* byte by byte */
mdi_scan_skip_fn mdi_scan_skip_sse2;  /* sixteen together */
mdi_scan_skip_fn mdi_scan_skip_avx2;  /* 32; needs mdi_cpu()->avx2 */

/* The fastest that this CPU has. MT-Safe. */
mdi_scan_skip_fn *mdi_scan_skip(void);

#endif /* MDI_ARCH_X86_64_FORBIDDEN_SKIP_H */
