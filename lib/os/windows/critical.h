/* SPDX-License-Identifier: MIT */
/*
 * os/windows/critical.h - nothing asynchronous interrupts a thread here: there
 * are no signals, and so nothing to keep away (os/linux/critical.h says what
 * each of these is for).
 */
#ifndef MDI_OS_WINDOWS_CRITICAL_H
#define MDI_OS_WINDOWS_CRITICAL_H

#include "base/common.h"

static inline bool mdi_critical_now(void)
{
	return false;
}

static inline void mdi_critical_begin(void)
{
}

static inline void mdi_critical_end(void)
{
}

static inline void mdi_critical_brief_begin(void)
{
}

static inline bool mdi_critical_brief_leave(void)
{
	return false;
}

static inline void mdi_critical_deliver(void)
{
}

#define MDI_CRITICAL_STEP 2u

static inline void mdi_critical_waits(uint32_t *word)
{
	(void)word;
}

static inline bool mdi_critical_waiting(void)
{
	return false;
}

static inline bool mdi_critical_pending(void)
{
	return false;
}

static inline void mdi_critical_pause(void)
{
}

static inline uint64_t mdi_handlers_hold(void)
{
	return 0;
}

static inline void mdi_handlers_release(uint64_t mask)
{
	(void)mask;
}

#endif /* MDI_OS_WINDOWS_CRITICAL_H */
