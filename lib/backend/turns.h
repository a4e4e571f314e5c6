/* SPDX-License-Identifier: MIT */
/*
 * backend/turns.h - a domain that keeps coming back has the state for many
 * calls: see keeper.h. The keeper's lock is held.
 */
#ifndef MDI_BACKEND_TURNS_H
#define MDI_BACKEND_TURNS_H

#include "backend/keeper.h"
#include "os/critical.h"

#define MDI_TURN_NS 15000000u

struct mdi_waiter {
	struct mdi_waiter *next;
	enum mdi_wish wish;
	struct mdi_domain *domain;
	uint32_t word; /* futex: GRANTED, and counts of LOOK_AGAIN */
	uint64_t wished_ns; /* a touch: when it came into the line */
	uint64_t ask_ns; /* when those inside are asked to leave; 0: not yet */
	unsigned asked; /* so often */
	int result, saved_errno;
};

/* The thread that waits decides anew how long it sleeps. */
void mdi_look_again(struct mdi_waiter *waiter);

/*
 * The last thread leaves the domain and others wait: does it keep its turn? If
 * not, the line has the state.
 */
bool mdi_turn_is_kept(void);
/* Past the line, one time less. */
bool mdi_turn_taken(enum mdi_wish wish, const struct mdi_domain *domain);
/* A thread comes into the line. */
void mdi_turn_wished(enum mdi_wish wish, const struct mdi_domain *domain);
/* In front of the line: nanoseconds until the next look. 0: without end. */
uint64_t mdi_turn_look(const struct mdi_waiter *self);

#endif /* MDI_BACKEND_TURNS_H */
