/* SPDX-License-Identifier: MIT */
/* The numbers of frame.h are those of Linux's thread-local structures. */
#include "arch/x86_64/frame.h"
#include "os/critical.h"

#define SAME(type, member, number) \
	_Static_assert(offsetof(type, member) == (number), #number)

SAME(struct mdi_here, ready, H_READY);
SAME(struct mdi_here, block, H_BLOCK);
SAME(struct mdi_critical, depth, C_DEPTH);
SAME(struct mdi_critical, signo, C_SIGNO);
