/* SPDX-License-Identifier: MIT */
/*
 * front/intruder.h - handlers that have come in behind the library's back, for
 * struct mdi_entries.
 */
#ifndef MDI_FRONT_INTRUDER_H
#define MDI_FRONT_INTRUDER_H

#include "front/event.h"

void mdi_intruder_calls(int signo, void *info, void *context);
void mdi_intruder_over(int signo, const void *info);

#endif /* MDI_FRONT_INTRUDER_H */
