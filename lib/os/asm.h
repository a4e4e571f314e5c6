/* SPDX-License-Identifier: MIT */
/*
 * os/asm.h - how object files of this system say what assembly has to say of
 * symbols, sections and threads.
 */
#ifndef MDI_OS_ASM_H
#define MDI_OS_ASM_H

#include "os/here.h"

#ifdef _WIN32
#include "os/windows/asm.h"
#else
#include "os/linux/asm.h"
#endif

#endif /* MDI_OS_ASM_H */
