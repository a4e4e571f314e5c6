/* SPDX-License-Identifier: MIT */
/*
 * core/permit.h - modules that are watched and not stopped: an access that
 * isolation forbids is counted, let pass once, and the module goes on.
 *
 * Only what would have gone well without the library: the page must allow it to
 * the host, and be a region's or open to the host like any memory. So an access
 * to nothing, to a guard page or to read-only data is a fault as ever, and the
 * library's own memory stays closed.
 *
 * How one access is let pass, over time, on the thread that made it:
 *
 *	module                  fault handler
 *
 *	touches a page
 *	                    1   the place is counted (permit.c)
 *	                    2   the page is opened: with keys in the rights of
 *	                        this thread, else for the process
 *	                    3   in the saved state: trap flag set, all signals
 *	                        blocked but those that faults come as
 *	the instruction runs
 *	                    4   the trap: 2 and 3 are undone
 *	goes on
 *
 * Nothing of this is trusted to stay. Whatever comes between 3 and 4 - the same
 * instruction's fault at a second page, or a signal that somebody has sent -
 * finds the saved state as it was before 2 and 3 (mdi_step_event() is the first
 * thing that the handler does), and is answered as ever. A second fault of the
 * same instruction opens both pages; after a signal it begins again at 1.
 *
 * With page permissions the page is open to all threads of the module between 2
 * and 4: what another one does there is not counted. The domain counts as
 * closed all the time, and what closes or opens it does so under the keeper's
 * lock; at 4 the page gets what its domain has by then.
 */
#ifndef MDI_CORE_PERMIT_H
#define MDI_CORE_PERMIT_H

#include <modiso/fault.h>

#include "core/state.h"
#include "core/trap.h"

/* Places that can be told apart; further ones are counted as one. */
#define MDI_SITES 1024

struct mdi_site {
	uint64_t hash; /* 0: free. Claimed without a lock */
	uint64_t count;
	uint32_t ready; /* the record is whole */
	uint32_t taken; /* somebody makes it a place that can be printed */
	struct mdi_place *place; /* where the count goes */
	struct modiso_fault fault; /* the first access */
};

/* Pages that one instruction touches: a gather of 16 words and more. */
#define MDI_STEP_PAGES 40

/* An instruction that runs with rights that its module has not. */
struct mdi_step {
	uintptr_t owner; /* 0: free. Claimed without a lock */
	uint32_t count;
	struct mdi_domain *domain; /* the module's */
	uintptr_t pc;
	uint64_t mask; /* signals that were blocked */
	struct mdi_opened opened[MDI_STEP_PAGES];
};

#define MDI_STEPS 256 /* threads at a time */

/* Both tables. The library's lock is held. 0 or MODISO_ERR_NOMEM. */
int mdi_permit_begin(void);
/* The keys of places that are known, from a file. 0, or a code. */
int mdi_permit_read_known(const char *path);
/* The vault ends, and with it all of this. */
void mdi_permit_reset(void);

static inline bool mdi_permit_begun(void)
{
	return mdi_core_state.permit.sites != NULL;
}

/* --- in the handler: AS-Safe --- */

/* May this be let pass? */
bool mdi_permit_may(const struct mdi_trap *trap);
/* It is counted, and runs again with the rights; false: it cannot. */
bool mdi_permit(const struct mdi_trap *trap);

/*
 * Has this event come in a step? Asked in front of the next two. A handler's
 * own fault, and a signal that came while a step's trap is on its way to the
 * handler, have interrupted code without the trap flag.
 */
static inline bool mdi_step_interrupted(const struct mdi_context *context)
{
	return __atomic_load_n(&mdi_core_state.permit.stepping,
			       __ATOMIC_RELAXED) != 0 &&
	       mdi_context_steps(context);
}

/* As the first thing: true, an instruction has run, and the module goes on. */
bool mdi_step_event(const struct mdi_event *event, struct mdi_context *context,
		    struct mdi_thread *thread);
/* As the last thing: who does not go on with a step is in none. */
void mdi_step_settle(const struct mdi_context *context,
		     const struct mdi_thread *thread);
/*
 * Open the page of this trap for one instruction. @again: it has touched that
 * page in the same way before. False: it cannot be.
 */
bool mdi_step_begin(const struct mdi_trap *trap, bool *again);

/* --- outside of it --- */

/* A service that the module may not call: counted. True: it may this time. */
bool mdi_permit_service(struct mdi_thread *thread, const char *service,
			uintptr_t sp);

/* Names are looked up for what has come since: before an image goes away. */
void mdi_permit_settle(void);

/* The table, to @out. The library's lock is not held. */
void mdi_permit_print(FILE *out);
void mdi_permit_print_json(FILE *out);
/* As the environment asks for it, at the end; nothing, if there was nothing. */
char *mdi_permit_last_words(void);

#endif /* MDI_CORE_PERMIT_H */
