/* SPDX-License-Identifier: MIT */
/*
 * core/intruder.h - a handler that has come in behind the library's back, by a
 * system call of its own or by a C library's function that the library does not
 * see. os/linux/actions.h keeps whom it has displaced.
 */
#ifndef MDI_CORE_INTRUDER_H
#define MDI_CORE_INTRUDER_H

#include "arch/x86_64/signal.h"

/*
 * A signal has come by the library's @entry: has the intruder put that back in
 * his stead? AS-Safe.
 */
void mdi_intruder_look(int signo, void (*entry)(int, siginfo_t *, void *));

#endif /* MDI_CORE_INTRUDER_H */
