/* SPDX-License-Identifier: MIT */
/*
 * os/linux/event.h - a fault signal as an event.
 */
#ifndef MDI_OS_LINUX_EVENT_H
#define MDI_OS_LINUX_EVENT_H

#include "os/event.h"

#include <signal.h>

/* What the siginfo says; whether it says the truth is left open. AS-Safe. */
void mdi_event_read(struct mdi_event *event, int signo, const siginfo_t *info);

#endif /* MDI_OS_LINUX_EVENT_H */
