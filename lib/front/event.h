/* SPDX-License-Identifier: MIT */
/*
 * front/event.h - a fault signal becomes an event of core.
 */
#ifndef MDI_FRONT_EVENT_H
#define MDI_FRONT_EVENT_H

#include "arch/arch.h"
#include "arch/x86_64/signal.h"

/* The state that this handler was given, as core and backends know it. */
static inline struct mdi_context *mdi_context_of(const ucontext_t *context)
{
	return (struct mdi_context *)(uintptr_t)context;
}

static inline uintptr_t mdi_interrupted_sp(const ucontext_t *context)
{
	return mdi_context_sp(mdi_context_of(context));
}

static inline uintptr_t mdi_interrupted_pc(const ucontext_t *context)
{
	return mdi_context_pc(mdi_context_of(context));
}

/* One of the six fault signals has come: struct mdi_entries. */
uintptr_t mdi_front_fault(int signo, void *info, void *context,
			  struct mdi_thread *thread);

#endif /* MDI_FRONT_EVENT_H */
