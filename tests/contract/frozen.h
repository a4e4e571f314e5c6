/* SPDX-License-Identifier: MIT */
/*
 * contract/frozen.h - a thread that another one freezes and thaws, by whatever
 * the system has for that.
 */
#ifndef TESTS_CONTRACT_FROZEN_H
#define TESTS_CONTRACT_FROZEN_H

#include "support/world.h"

#include <stdatomic.h>

extern struct modiso_thread *task; /* by the thread's own handle */
extern atomic_uint thawed;         /* so often */

/* The calling thread is the one. */
void be_task(void);

/* From another thread. It stands where it is not in the library's way. */
void freeze_task(void);
void thaw_task(void);

#endif /* TESTS_CONTRACT_FROZEN_H */
