/* SPDX-License-Identifier: MIT */
/*
 * core/libc.h - what a module's own C library asks for, by one service.
 *
 * The service has rules as system calls of guarded modules have (policy.h),
 * under an architecture of its own, and another preset: what computes, memory
 * out of the module's heap, text, and files if the host says so (files.h). The
 * calls are made as for those.
 */
#ifndef MDI_CORE_LIBC_H
#define MDI_CORE_LIBC_H

#include "core/module.h"

/* long (*)(long number, uintptr_t a, b, c, d, e): as the kernel answers. */
modiso_fn mdi_libc_function(void);

#endif /* MDI_CORE_LIBC_H */
