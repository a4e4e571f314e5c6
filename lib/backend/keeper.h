/* SPDX-License-Identifier: MIT */
/*
 * backend/keeper.h - who may run, when rights belong to the whole process.
 *
 * The process is in one of two states: host, or one domain with some threads
 * inside. Threads that want another state wait in line, first come first
 * served. The keeper decides; what it decides is carried out by the operations
 * that it was started with, under its lock.
 *
 * Where domains want the state again as soon as they have left, each call would
 * cost a sleep and a wake, and a switch of all pages. There a domain has it for
 * a turn of many calls: the threads of others wait seldom, and longer. A turn
 * ends after a number of calls and a time, when its domain does not come back,
 * and when host code wants the state. doc/DESIGN has the reasons.
 *
 * Host code does not wait for the end of a call, which may never come: after a
 * while the threads inside are interrupted, and come back by the line.
 */
#ifndef MDI_BACKEND_KEEPER_H
#define MDI_BACKEND_KEEPER_H

#include "base/common.h"

struct mdi_domain;

/*
 * Host code waits so long for a call to end by itself, which costs less than to
 * interrupt it; and so long until threads are asked again that could not leave.
 * Each time twice as long: a thread that is slow, because it is traced, say,
 * must not have the next signal in the handler of the one before, and so on
 * until its signal stack is full.
 */
#define MDI_PATIENCE_NS  100000u
#define MDI_ASK_AGAIN_NS 1000000u
#define MDI_ASK_MAX_NS   64000000u

enum mdi_wish {
	MDI_WISH_ENTER, /* run in a domain */
	MDI_WISH_HOLD,  /* keep the host state until mdi_keeper_unhold() */
	MDI_WISH_TOUCH  /* have the host state for a moment */
};

struct mdi_keeper_ops {
	/*
	 * The host runs one thread at a time, and may freeze one inside: what
	 * is wished is carried out at once, nobody counts and nobody waits.
	 */
	bool external;
	/* To the domain's state, from the host's or another one's. */
	int (*to_domain)(struct mdi_domain *domain);
	/* To the host's state. Cannot fail, and keeps errno. */
	void (*to_host)(void);
	/* In the host's state: make a domain accessible to the host. */
	int (*open)(struct mdi_domain *domain);
	/*
	 * The threads that are inside are asked to leave for a while. They may
	 * be where they cannot, and are asked again. NULL: nobody can be asked.
	 */
	void (*interrupt)(void);
};

/*
 * From now on @waited is called when a thread has waited in line, with the
 * domain that it wanted, or NULL, and when that began, by mdi_clock(). NULL:
 * nobody is told.
 */
void mdi_keeper_tells(void (*waited)(const struct mdi_domain *domain,
				     uint64_t begin));

void mdi_keeper_start(const struct mdi_keeper_ops *ops);

/*
 * Wait until @wish is granted. 0, or what the operation returned. A thread
 * that is inside or holds must not wish; one that holds may hold again, with
 * @again set.
 */
int mdi_keeper_wish(enum mdi_wish wish, struct mdi_domain *domain, bool again);

/*
 * The way of gates: MDI_WISH_ENTER, and its end, of a thread that keeps its
 * signals away by itself. Neither changes errno but where it fails.
 */
int mdi_keeper_enter(struct mdi_domain *domain);
void mdi_keeper_leave(void);
void mdi_keeper_unhold(void);

/*
 * External exclusion: a host thread begins to touch what a module has left for
 * it, as it wished then; how many nanoseconds it shall have.
 */
uint64_t mdi_keeper_lease(uint64_t wished_ns);

/* Run @act with the lock held; it is told whether a domain is entered. */
int mdi_keeper_locked(int (*act)(void *arg, bool entered), void *arg);

/* Around a fork the lock is held, so that no switch is half done. */
void mdi_keeper_before_fork(void);
void mdi_keeper_after_fork_parent(void);

/*
 * In the child of a fork: @inside is the domain that the calling thread is in,
 * or NULL; @holds its holds.
 */
void mdi_keeper_after_fork(struct mdi_domain *inside, unsigned holds);

#endif /* MDI_BACKEND_KEEPER_H */
