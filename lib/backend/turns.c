/* SPDX-License-Identifier: MIT */
#include "backend/turns.h"

#include "backend/state.h"
#include "os/process.h"

/*
 * A turn: so many calls. About six of them have work with it (one waits for it,
 * one gives the state away, others meet a thread that looks), so fewer than one
 * in a thousand is slow. A turn of longer calls ends by the clock, which is
 * read at one call in CALLS_A_LOOK.
 */
#define TURN_CALLS   8000u
#define CALLS_A_LOOK 32u

/*
 * How soon a domain comes back that would rather have kept the state; less than
 * it takes to wake a thread that sleeps.
 */
#define HURRY_NS 20000u

/*
 * Who is in front of the line looks whether the turn's domain still comes: soon
 * at first, for little may be left of it, then less often, for a look takes the
 * CPU from somebody.
 */
#define LOOK_NS     200000u
#define LOOK_MAX_NS 800000u

#define LOOK_AGAIN MDI_CRITICAL_STEP

static struct mdi_keeper_state *const own = &mdi_backend_state.keeper;

void mdi_look_again(struct mdi_waiter *waiter)
{
	__atomic_fetch_add(&waiter->word, LOOK_AGAIN, __ATOMIC_RELAXED);
	mdi_os_wake(&waiter->word, 1);
}

/* Of the domain that has just been left. */
static void begin_turn(void)
{
	if (own->cut != own->current) {
		own->turn_left = TURN_CALLS;
		own->turn_end_ns = mdi_os_now_ns() + MDI_TURN_NS;
	}
	own->cut = NULL;
	own->turn = own->current;
	own->look_ns = 0;
	mdi_look_again(own->first);
}

/*
 * The last thread leaves the domain and others wait: does it keep its turn? If
 * not, the line has the state.
 */
bool mdi_turn_is_kept(void)
{
	own->leaves++;
	if (own->turn == NULL && own->hurry && own->hosts == 0) {
		begin_turn();
		return true;
	}
	if (own->turn == own->current && own->turn_left != 0)
		return true;
	own->turn = NULL;
	return false;
}

/* Past the line, one time less. */
bool mdi_turn_taken(enum mdi_wish wish, const struct mdi_domain *domain)
{
	if (wish != MDI_WISH_ENTER || own->turn != domain ||
	    own->turn_left == 0)
		return false;
	if (--own->turn_left % CALLS_A_LOOK == 0 &&
	    mdi_os_now_ns() >= own->turn_end_ns)
		own->turn_left = 0;
	return true;
}

/* A thread comes into the line. */
void mdi_turn_wished(enum mdi_wish wish, const struct mdi_domain *domain)
{
	if (wish != MDI_WISH_ENTER) {
		own->hosts++;
		if (own->turn != NULL)
			own->cut = own->turn;
		own->turn = NULL;
	} else if (own->gave == domain) {
		own->hurry = mdi_os_now_ns() - own->gave_ns < HURRY_NS;
	}
}

/* In front of the line: nanoseconds until the next look. 0: without end. */
uint64_t mdi_turn_look(const struct mdi_waiter *self)
{
	uint64_t now;

	if (own->turn == NULL || own->first != self)
		return 0;
	now = mdi_os_now_ns();
	if (now < own->look_ns)
		return own->look_ns - now;
	if (now >= own->turn_end_ns)
		own->turn_left = 0;
	if (own->look_ns == 0) {
		own->look_interval_ns = LOOK_NS;
	} else if (own->inside == 0 && own->leaves == own->leaves_seen) {
		own->hurry = false;
		own->turn_left = 0;
	} else if (own->look_interval_ns < LOOK_MAX_NS) {
		own->look_interval_ns *= 2;
	}
	if (own->turn_left == 0 && own->inside == 0) {
		own->turn = NULL;
		return 0;
	}
	own->leaves_seen = own->leaves;
	own->look_ns = now + own->look_interval_ns;
	return own->look_interval_ns;
}
