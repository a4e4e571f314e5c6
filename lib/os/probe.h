/* SPDX-License-Identifier: MIT */
/*
 * os/probe.h - try in a forked child what may kill a process.
 */
#ifndef MDI_OS_PROBE_H
#define MDI_OS_PROBE_H

#include "base/common.h"

/*
 * Run @act, which ends with an illegal instruction, in a child that has a
 * handler for that on an alternate stack and no restartable sequences. 1 when
 * the handler runs, 0 when the child ends in any other way, -errno when the
 * system makes no child, or does not tell of its end. No fork handlers run, no
 * SIGCHLD is sent, and a tracer of this process does not see the child. Keeps
 * errno.
 */
int mdi_probe_survives(void *(*act)(void *));

#endif /* MDI_OS_PROBE_H */
