/* SPDX-License-Identifier: MIT */
#include "backend/mprotect_aside.h"

#include "backend/curtain.h"
#include "backend/keeper.h"
#include "backend/mprotect.h"
#include "backend/state.h"
#include "os/critical.h"
#include "os/process.h"

#include <limits.h>

static struct mdi_mprotect_state *const own = &mdi_backend_state.mprotect;

void mdi_aside_run(struct mdi_thread *thread)
{
	__atomic_store_n(&own->runner, thread, __ATOMIC_SEQ_CST);
}

void mdi_aside_stop_running(void)
{
	mdi_aside_run(NULL);
	if (__atomic_load_n(&own->askers, __ATOMIC_SEQ_CST) == 0)
		return;
	__atomic_add_fetch(&own->stops, 1, __ATOMIC_RELEASE);
	mdi_os_wake(&own->stops, INT_MAX);
}

/* --- threads that others can interrupt --- */

void mdi_aside_start(struct mdi_thread *only)
{
	own->askers = 0;
	own->lease_ns = 0;
	own->peers = NULL;
	if (only == NULL)
		return;
	only->host->peer = NULL;
	own->peers = only->host;
}

static int add_peer(void *arg, bool entered)
{
	struct mdi_thread *thread = arg;

	(void)entered;
	thread->peer = own->peers;
	own->peers = thread;
	return 0;
}

int mdi_aside_attach(struct mdi_thread *thread)
{
	int result = mdi_curtain_meet(thread);

	return result == 0 ? mdi_aside_steady(add_peer, thread) : result;
}

static int remove_peer(void *arg, bool entered)
{
	const struct mdi_thread *thread = arg;
	struct mdi_thread **link = &own->peers;

	(void)entered;
	while (*link != NULL && *link != thread)
		link = &(*link)->peer;
	if (*link != NULL)
		*link = thread->peer;
	return 0;
}

void mdi_aside_detach(struct mdi_thread *thread)
{
	(void)mdi_aside_steady(remove_peer, thread);
}

/*
 * A thread that is inside goes by its own block or by a fiber's. Who is missed,
 * or comes in now, is asked the next time; who is asked in vain goes on.
 */
void mdi_aside_interrupt(void)
{
	for (const struct mdi_thread *peer = own->peers; peer != NULL;
	     peer = peer->peer)
		if (mdi_thread_seems_inside(mdi_block_thread(peer->current)))
			mdi_os_poke(peer->tid);
}

/* Nobody, or who is in a module beside this thread and in no handler. */
static struct mdi_thread *runs_beside(const struct mdi_thread *thread)
{
	struct mdi_thread *other =
		__atomic_load_n(&own->runner, __ATOMIC_SEQ_CST);

	return other != NULL && other != thread &&
			       __atomic_load_n(&other->entered,
					       __ATOMIC_RELAXED) ?
		       other :
		       NULL;
}

uint64_t mdi_aside_ask(const struct mdi_thread *thread)
{
	uint64_t asked_ns = mdi_os_now_ns();
	const struct mdi_thread *other;
	uint64_t patience = MDI_PATIENCE_NS;
	uint32_t seen;

	__atomic_add_fetch(&own->askers, 1, __ATOMIC_SEQ_CST);
	for (;;) {
		seen = __atomic_load_n(&own->stops, __ATOMIC_ACQUIRE);
		other = runs_beside(thread);
		if (other == NULL)
			return asked_ns;
		if (patience != MDI_PATIENCE_NS)
			mdi_os_poke(other->tid);
		mdi_os_wait(&own->stops, seen, patience);
		if (patience == MDI_PATIENCE_NS)
			patience = MDI_ASK_AGAIN_NS;
		else if (patience < MDI_ASK_MAX_NS)
			patience *= 2;
	}
}

void mdi_aside_answered(uint64_t asked_ns)
{
	uint64_t lease = mdi_keeper_lease(asked_ns);

	if (lease > __atomic_load_n(&own->lease_ns, __ATOMIC_RELAXED))
		__atomic_store_n(&own->lease_ns, lease, __ATOMIC_RELAXED);
	if (__atomic_sub_fetch(&own->askers, 1, __ATOMIC_SEQ_CST) == 0)
		mdi_os_wake(&own->askers, INT_MAX);
}

int mdi_aside_steady(int (*act)(void *arg, bool entered), void *arg)
{
	bool ask = mdi_open.state.external && mdi_curtain_is_used();
	uint64_t asked_ns = ask ? mdi_aside_ask(mdi_thread_self()) : 0;
	int result = mdi_keeper_locked(act, arg);

	if (ask)
		mdi_aside_answered(asked_ns);
	return result;
}

static void wait_for_askers(void)
{
	uint32_t never = 0, askers;
	uint64_t lease;

	while ((askers = __atomic_load_n(&own->askers, __ATOMIC_SEQ_CST)) != 0)
		mdi_os_wait(&own->askers, askers, MDI_ASK_AGAIN_NS);
	lease = __atomic_exchange_n(&own->lease_ns, 0, __ATOMIC_RELAXED);
	if (lease != 0)
		mdi_os_wait(&never, 0, lease);
}

/*
 * Either this thread sees that somebody asks, or who asks sees that it runs:
 * each says so before it looks.
 */
void mdi_aside_begin(struct mdi_thread *thread)
{
	for (;;) {
		__atomic_store_n(&thread->entered, 1, __ATOMIC_RELAXED);
		mdi_aside_run(thread);
		if (__atomic_load_n(&own->askers, __ATOMIC_SEQ_CST) == 0)
			return;
		mdi_aside_end(thread);
		wait_for_askers();
	}
}

void mdi_aside_end(struct mdi_thread *thread)
{
	__atomic_store_n(&thread->entered, 0, __ATOMIC_RELAXED);
	mdi_aside_stop(thread);
}

void mdi_aside_stand(struct mdi_thread *thread)
{
	if (!mdi_open.state.external) {
		mdi_critical_begin();
		mdi_mprotect_leave(thread); /* it may have left already */
		mdi_critical_end();
		return;
	}
	mdi_aside_stop(thread);
	wait_for_askers();
}
