/* SPDX-License-Identifier: MIT */
/*
 * core/fault.h - whose fault is it, and what comes of it.
 */
#ifndef MDI_CORE_FAULT_H
#define MDI_CORE_FAULT_H

#include <modiso/fault.h>

#include "core/module.h"
#include "os/event.h"

/* What a trap comes to, in its handler. */
enum mdi_outcome {
	MDI_GOES_ON,   /* the interrupted code does */
	MDI_ELSEWHERE, /* other code does */
	MDI_SERVED,    /* the host's code does what it asked for */
	MDI_PASSED_ON, /* it is the program's: its handler, or the default */
	MDI_ASK_AGAIN  /* the next row of trap.c; not returned */
};

/* @thread is NULL for one that is not attached. AS-Safe; changes errno. */
enum mdi_outcome mdi_fault_event(const struct mdi_event *event,
				 struct mdi_context *context,
				 struct mdi_thread *thread);

/*
 * A call has used up its time: the thread stands at @context in its module's
 * own code. AS-Safe; changes errno.
 */
enum mdi_outcome mdi_fault_timeout(struct mdi_thread *thread,
				   struct mdi_context *context);

void mdi_faults_start(void);

/* A module called a service that it may not: write this thread's record. */
void mdi_fault_service(struct mdi_thread *thread, const char *service,
		       uintptr_t sp);

/*
 * The service that this thread's innermost module has called, and that runs,
 * is over, and so is the module's call: modiso_service_fail() says of what.
 */
MDI_NORETURN void mdi_fault_in_service(struct mdi_thread *thread,
				       uint32_t kind, uintptr_t detail);

/*
 * A guarded module was interrupted where it cannot be gone on with: its call
 * ends, by way of this context. No filter is asked. AS-Safe.
 */
void mdi_fault_stranded(struct mdi_thread *thread, struct mdi_context *context);

/* The host's frame that this thread's last fault has come back to. */
void mdi_fault_called_by(uintptr_t pc, uintptr_t sp);

#endif /* MDI_CORE_FAULT_H */
