/* SPDX-License-Identifier: MIT */
/*
 * core/fault.h - whose fault is it, and what comes of it.
 */
#ifndef MDI_CORE_FAULT_H
#define MDI_CORE_FAULT_H

#include <modiso/fault.h>

#include "core/module.h"

void mdi_faults_start(void);

/* A module called a service that it may not: write this thread's record. */
void mdi_fault_service(struct mdi_thread *thread, const char *service,
		       uintptr_t sp);

/* The host's frame that this thread's last fault has come back to. */
void mdi_fault_called_by(uintptr_t pc, uintptr_t sp);

#endif /* MDI_CORE_FAULT_H */
