/* SPDX-License-Identifier: MIT */
/*
 * os/windows/critical.h - no handler interrupts a thread here: there are no
 * signals, and so nothing to keep away (os/linux/critical.h says what each of
 * these is for). But another thread may stop this one (SuspendThread), and asks
 * then whether it has stopped it in the middle of something: so that is
 * counted, in a word of the TEB that others can read.
 */
#ifndef MDI_OS_WINDOWS_CRITICAL_H
#define MDI_OS_WINDOWS_CRITICAL_H

#include "base/common.h"
#include "os/here.h"

/* Critical sections, and in the upper half exceptions that are being served. */
#define MDI_SECTION   ((uint64_t)1)
#define MDI_EXCEPTION ((uint64_t)1 << 32)

static inline void mdi_critical_count(uint64_t more)
{
	__asm__ volatile("addq %0, %%gs:(%1)"
			 : : "r"(more), "r"(mdi_critical_offset)
			 : "memory", "cc");
}

static inline bool mdi_critical_now(void)
{
	uint64_t word;

	__asm__ volatile("movq %%gs:(%1), %0"
			 : "=r"(word) : "r"(mdi_critical_offset) : "memory");
	return (uint32_t)word != 0;
}

/*
 * Of a thread that is stopped, whose mdi_self() was @self: is it in one, or
 * anywhere between a fault and the end of serving it?
 */
bool mdi_critical_of(uint64_t self, int tid);

static inline void mdi_critical_begin(void)
{
	mdi_critical_count(MDI_SECTION);
}

static inline void mdi_critical_end(void)
{
	mdi_critical_count(-MDI_SECTION);
}

static inline void mdi_critical_brief_begin(void)
{
	mdi_critical_begin();
}

static inline bool mdi_critical_brief_leave(void)
{
	mdi_critical_end();
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
