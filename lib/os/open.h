/* SPDX-License-Identifier: MIT */
/*
 * os/open.h - ways into the kernel that the process has open, and the threads
 * that the kernel runs for them.
 */
#ifndef MDI_OS_OPEN_H
#define MDI_OS_OPEN_H

#include "base/common.h"

/* Call @visit with each descriptor of an io_uring. 0, or -1 and errno. */
int mdi_open_rings(void (*visit)(uint32_t descriptor, void *arg), void *arg);

/* The same with each thread that serves a ring without being asked. */
int mdi_open_pollers(void (*visit)(uint32_t tid, void *arg), void *arg);

#endif /* MDI_OS_OPEN_H */
