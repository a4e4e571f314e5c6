/* SPDX-License-Identifier: MIT */
/*
 * core/trap.h - one event, decoded once: what has happened,
 * where, to whose code. And the questions that it is asked, in their order,
 * which say what is to be done about it.
 *
 * Whoever needs to know anything of a fault reads it here. A new kind of trap
 * is a fact in the structure, a row in the table of trap.c and its verdict in
 * fault.c. AS-Safe.
 */
#ifndef MDI_CORE_TRAP_H
#define MDI_CORE_TRAP_H

#include "core/module.h"
#include "core/region.h"
#include "os/event.h"

enum mdi_where {
	MDI_AT_HOST,
	MDI_AT_MODULE,
	MDI_AT_GATE, /* in the gates' own code */
	MDI_AT_DOOR, /* core/door.h */
	MDI_AT_COPY  /* in mdi_copy(), at memory that the copy is of */
};

struct mdi_trap {
	struct mdi_event event;
	uintptr_t pc, sp;
	uint32_t access; /* of page faults alone, else 0 */
	struct mdi_region_place place; /* of page faults: the address's */
	uint32_t rights; /* of the interrupted code, where there are keys */

	enum mdi_where where;
	uint32_t door; /* the fault that it stands for, or MDI_DOOR_THREAD */
	struct mdi_domain *domain; /* the module whose code it is; NULL: none */

	bool attached;   /* the thread has a block */
	bool armed;      /* its system calls can be stopped: core/guard.h */
	bool in_filter;  /* and is in a filter */
	bool no_frame;   /* a gate has found no free frame */
	bool late;       /* a way out is told of arithmetic before it */
	bool mends;      /* what the module has left there is put right */
	bool allowed;    /* the module may do that by now */
	bool stays;      /* a jump of the module's inside of its own stack */
	bool left;       /* host code runs as the module: mdi_jump_ran_past() */
	bool walks;      /* the module reads where its gate was called */
	const struct mdi_gadget *gadget; /* was there, in code of the host */
	bool permits;    /* the module is watched, and not stopped */
	bool answers;    /* a policy says what becomes of its system call */
	void *exception; /* the end of the thread unwinds; or NULL */
	bool handed;     /* a service, at what its caller has handed to it */
	uintptr_t handed_at;

	struct mdi_thread *thread;
	struct mdi_context *context;
};

/* A place in the gates' code that is a door and no kind of fault. */
#define MDI_DOOR_THREAD UINT32_MAX

enum mdi_verdict {
	MDI_PASS,         /* no module's: to the program's handler */
	MDI_FILTER_FAULT, /* the filter has faulted: the process ends */
	MDI_TOO_DEEP,     /* the gate call fails */
	MDI_MEND,         /* what the gate looks at is put right */
	MDI_MAKE_THREAD,  /* notes it, and goes on through the door */
	MDI_GO_ON,        /* through the door */
	MDI_END_THREAD,   /* the call is over, the unwinder goes on below it */
	MDI_TRY_AGAIN,    /* the cause is gone; not for ever */
	MDI_WALK_ENDS,    /* it finds that it was called by nobody */
	MDI_LEFT,         /* the process ends: nothing is known any more */
	MDI_PERMIT,       /* counted, and run again with the rights for it */
	MDI_ANSWER,       /* the module's system call: core/policy.h */
	MDI_FAULT,        /* the module's: told, asked, ended */
	MDI_FAULT_ORPHAN, /* of a thread that a module made: told, ended */
	MDI_CARRY_OUT,    /* done in place of the instruction that was there */
	MDI_CALL_AGAIN,   /* the host's, which was stopped by mistake */
	MDI_OPEN,         /* the host's own, whose cause may be taken away */
	MDI_COPY_FAILS,   /* the copy returns an error */
	MDI_FAULT_HANDED  /* the module's, whose service has done it */
};

/* @thread NULL: one that is not attached. */
void mdi_trap_decode(struct mdi_trap *trap, const struct mdi_event *event,
		     struct mdi_context *context, struct mdi_thread *thread);

/*
 * The verdict of the first row from *@row on that holds; *@row is the one
 * behind it. A verdict that cannot be carried out is followed by the next. The
 * last row always holds.
 */
enum mdi_verdict mdi_trap_verdict(const struct mdi_trap *trap, unsigned *row);

#endif /* MDI_CORE_TRAP_H */
