/* SPDX-License-Identifier: MIT */
/*
 * os/windows/event.h - an exception as an event. Records and reports name it by
 * the numbers that Linux has, so that they are the same on both systems.
 */
#ifndef MDI_OS_WINDOWS_EVENT_H
#define MDI_OS_WINDOWS_EVENT_H

#include "os/event.h"
#include "os/windows/windows.h"

#define MDI_SIGILL  4
#define MDI_SIGTRAP 5
#define MDI_SIGBUS  7
#define MDI_SIGFPE  8
#define MDI_SIGSEGV 11

#define MDI_SEGV_MAPERR 1
#define MDI_SEGV_ACCERR 2
#define MDI_SI_KERNEL   0x80

/*
 * False: it is none that a module's code can raise; somebody else's. @known:
 * there are pages at the address that it tells, so the system is not asked.
 */
bool mdi_event_read(struct mdi_event *event, const EXCEPTION_RECORD *record,
		    bool known);

/* The address that was touched; 0: it is about none. */
static inline uintptr_t mdi_event_touched(const EXCEPTION_RECORD *record)
{
	return record->ExceptionCode == EXCEPTION_ACCESS_VIOLATION ?
		       (uintptr_t)record->ExceptionInformation[1] :
		       0;
}

#endif /* MDI_OS_WINDOWS_EVENT_H */
