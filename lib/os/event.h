/* SPDX-License-Identifier: MIT */
/*
 * os/event.h - what the system says of a trap that it has brought.
 */
#ifndef MDI_OS_EVENT_H
#define MDI_OS_EVENT_H

#include "base/common.h"

#define MDI_EVENT_NO_KEY (-1)

enum mdi_event_kind {
	MDI_EVENT_PROTECTED,  /* the page does not allow it */
	MDI_EVENT_KEY,        /* the rights to its protection key do not */
	MDI_EVENT_UNMAPPED,   /* there is no page */
	MDI_EVENT_MEMORY,     /* it cannot be accessed, for another reason */
	MDI_EVENT_PRIVILEGED, /* no address: user mode may not do that */
	MDI_EVENT_VOID,       /* a page of a file has nothing behind it */
	MDI_EVENT_BUS,        /* the memory behind a page fails */
	MDI_EVENT_BUS_NOWHERE, /* the same without an address */
	MDI_EVENT_ILLEGAL,    /* no instruction */
	MDI_EVENT_ARITHMETIC,
	MDI_EVENT_BREAKPOINT,
	MDI_EVENT_STEP,       /* an instruction has run with the trap flag */
	MDI_EVENT_SYSCALL,    /* a system call that is not allowed */
	MDI_EVENT_CALL,       /* one of a thread that is armed: os/dispatch.h */
	MDI_EVENT_TIMEOUT     /* of the library's making: its time is over */
};

struct mdi_event {
	enum mdi_event_kind kind;
	/* As the system numbers them, for the record and for messages. */
	int signo, code;
	uintptr_t address; /* of memory; else 0 */
	int key; /* of the page, when its rights say no */
	/* Of a system call: its number, by the table of this architecture. */
	uint32_t call, call_arch;
	/* By the CPU or the system, at this instruction; false: it was sent. */
	bool raised;
};

/* The page that was touched says no, or there is none. */
static inline bool mdi_event_is_segment(const struct mdi_event *event)
{
	return event->kind <= MDI_EVENT_PRIVILEGED;
}

/* Memory was touched, or executed. */
static inline bool mdi_event_is_memory(const struct mdi_event *event)
{
	return event->kind <= MDI_EVENT_BUS_NOWHERE;
}

/* By an entry of 32-bit code? Its arguments are in other registers. */
bool mdi_event_call_is_narrow(const struct mdi_event *event);

/* The architecture whose table a call's number is of: "x86-64". */
const char *mdi_event_call_arch(uint32_t arch);

/* What the system's manuals call it: "SEGV", "SEGV_ACCERR"; or "". */
const char *mdi_event_name(int signo);
const char *mdi_event_code_name(int signo, int code);

#endif /* MDI_OS_EVENT_H */
