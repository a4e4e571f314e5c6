/* SPDX-License-Identifier: MIT */
/*
 * backend/mprotect_aside.h - a thread leaves its module for a while because
 * host code elsewhere wants what is closed.
 *
 * It is asked by a signal (os/process.h), and asked again where it cannot just
 * then. Its handler leaves the module as each handler of the host does, and
 * comes back to it at its end. With internal exclusion the keeper's line says
 * who is next; with external exclusion there is none, and the two agree here.
 */
#ifndef MDI_BACKEND_MPROTECT_ASIDE_H
#define MDI_BACKEND_MPROTECT_ASIDE_H

#include "backend/backend.h"
#include "backend/state.h"

/* Nobody can be asked, or this thread alone. */
void mdi_aside_start(struct mdi_thread *only);

/* struct mdi_process_rights. */
int mdi_aside_attach(struct mdi_thread *thread);
void mdi_aside_detach(struct mdi_thread *thread);
void mdi_aside_stand(struct mdi_thread *thread);

/*
 * mdi_keeper_locked() while nobody is in a module that closes memory in no
 * region, whoever schedules.
 */
int mdi_aside_steady(int (*act)(void *arg, bool entered), void *arg);

/* All that are in modules are asked. The keeper's lock is held. */
void mdi_aside_interrupt(void);

/* --- external exclusion --- */

/* The thread that entered a module last, until it leaves; NULL: nobody. */
void mdi_aside_run(struct mdi_thread *thread);
/*
 * Before a module is entered: the thread counts as in it, when nobody asks it
 * to stand aside any more. _end(): it is not entered after all.
 */
void mdi_aside_begin(struct mdi_thread *thread);
void mdi_aside_end(struct mdi_thread *thread);
/* It is this one, and leaves: nobody, from now on. */
void mdi_aside_stop_running(void);

static inline void mdi_aside_stop(const struct mdi_thread *thread)
{
	if (__atomic_load_n(&mdi_backend_state.mprotect.runner,
			    __ATOMIC_RELAXED) == thread)
		mdi_aside_stop_running();
}

/*
 * External exclusion is about the threads that the host schedules. There are
 * others as well, a timer's: for what they touch, whoever is in a module stands
 * aside. It does not come back before mdi_aside_answered(). @thread is the
 * calling one, or NULL. Returns what the latter wants to know.
 */
uint64_t mdi_aside_ask(const struct mdi_thread *thread);
void mdi_aside_answered(uint64_t asked_ns);

#endif /* MDI_BACKEND_MPROTECT_ASIDE_H */
