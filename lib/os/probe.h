/* SPDX-License-Identifier: MIT */
/*
 * os/probe.h - try in a forked child what may kill a process.
 */
#ifndef MDI_OS_PROBE_H
#define MDI_OS_PROBE_H

#include "base/common.h"

/*
 * Run @act, which ends with an illegal instruction, in a child that has a
 * handler for that on an alternate stack and no restartable sequences. True
 * when the handler runs; false when the child ends in any other way. No fork
 * handlers run, no SIGCHLD is sent.
 */
bool mdi_probe_survives(void *(*act)(void *));

#endif /* MDI_OS_PROBE_H */
