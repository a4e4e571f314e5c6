/* SPDX-License-Identifier: MIT */
#include "backend/lease.h"

#include "backend/keeper.h"
#include "backend/state.h"
#include "os/process.h"

/*
 * How long the host's state is kept for a host thread that faulted its way to
 * it, so that it makes progress before the next module enters. Long enough
 * for the return from a signal handler and many accesses after it. A thread
 * that is back soon after the end may have had no CPU: it gets twice as much.
 */
#define LEASE_NS     50000u
#define LEASE_MAX_NS 800000u
#define SOON_NS      500000u

static struct mdi_keeper_state *const own = &mdi_backend_state.keeper;

uint64_t mdi_lease_look(void)
{
	uint64_t now = mdi_os_now_ns();

	if (now < own->lease_end_ns)
		return own->lease_end_ns - now;
	own->lease_end_ns = 0;
	return 0;
}

void mdi_lease_begin(uint64_t wished_ns)
{
	struct mdi_lease *last = &own->lease;
	uint64_t now = mdi_os_now_ns(), soon = 4 * last->length_ns + SOON_NS;
	bool again = last->thread == mdi_lock_me();

	if (again && wished_ns < last->end_ns + soon)
		last->length_ns *= last->length_ns < LEASE_MAX_NS ? 2 : 1;
	else
		last->length_ns = LEASE_NS;
	last->shared = mdi_lease_left() != 0 && (!again || last->shared);
	last->thread = mdi_lock_me();
	last->end_ns = now + last->length_ns;
	if (!last->shared || own->lease_end_ns < last->end_ns)
		own->lease_end_ns = last->end_ns;
}

void mdi_lease_give_back(void)
{
	struct mdi_lease *last = &own->lease;

	if (last->thread != mdi_lock_me())
		return;
	last->thread = 0; /* it has got on: the next one is a short one */
	if (!last->shared)
		own->lease_end_ns = 0;
}
