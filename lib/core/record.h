/* SPDX-License-Identifier: MIT */
/*
 * core/record.h - what is written down of a module's fault.
 *
 * In the signal handler: no lock, no allocation. AS-Safe.
 */
#ifndef MDI_CORE_RECORD_H
#define MDI_CORE_RECORD_H

#include <modiso/fault.h>

#include "core/trap.h"

struct mdi_frame;

/*
 * Who, when and how deep: the same for every kind. What was there is gone.
 * @thread NULL: one that is not attached.
 */
void mdi_record_module(struct modiso_fault *fault,
		       const struct mdi_thread *thread,
		       struct modiso_module *module);

/* After that the access, the machine and the kind. */
void mdi_record_state(struct modiso_fault *fault, const struct mdi_trap *trap);

/*
 * All of a call of a service that the module may not call, while
 * mdi_service_allowed() is asked. @sp: the module's.
 */
void mdi_record_refusal(struct modiso_fault *fault,
			const struct mdi_thread *thread, const char *service,
			uintptr_t sp);

/* The same of a call that its service ends: see modiso_service_fail(). */
void mdi_record_in_service(struct modiso_fault *fault,
			   const struct mdi_thread *thread, uint32_t kind,
			   uintptr_t detail);

/* Has the module faulted where it stands at the call of a service? */
static inline bool mdi_record_at_service(const struct modiso_fault *fault)
{
	return fault->kind == MODISO_FAULT_SERVICE ||
	       (fault->call_count != 0 &&
		fault->calls[0].service_name[0] != '\0');
}

/* The gates that the thread is in, the one that has ended among them. */
void mdi_record_calls(struct modiso_fault *fault,
		      const struct mdi_thread *thread);

/* Where in the host the call was made that has ended. */
void mdi_record_host(struct modiso_fault *fault, const struct mdi_frame *frame);

#endif /* MDI_CORE_RECORD_H */
