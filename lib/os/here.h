/* SPDX-License-Identifier: MIT */
/*
 * os/here.h - who the calling thread is, for C and for assembly: a word that no
 * other thread has, and the block that it goes by (arch/x86_64/frame.h).
 */
#ifndef MDI_OS_HERE_H
#define MDI_OS_HERE_H

#ifdef _WIN32
#include "os/windows/here.h"
#else
#include "os/linux/here.h"
#endif

#endif /* MDI_OS_HERE_H */
