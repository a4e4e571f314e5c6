/* SPDX-License-Identifier: MIT */
#include "backend/keeper.h"

#include "backend/state.h"
#include "os/linux_signal.h"
#include "os/linux_sys.h"
#include "os/lock.h"

#include <errno.h>

/*
 * How long the host's state is kept for a host thread that faulted its way to
 * it, so that it makes progress before the next module enters. Long enough
 * for the return from a signal handler and many accesses after it.
 */
#define LEASE_NS 50000u

struct mdi_waiter {
	struct mdi_waiter *next;
	enum mdi_wish wish;
	struct mdi_domain *domain;
	uint32_t word; /* futex: GRANTED, and counts of LOOK_AGAIN */
	int result, saved_errno;
};

#define GRANTED 1u
#define LOOK_AGAIN MDI_CRITICAL_STEP

static struct mdi_keeper_state *const own = &mdi_backend_state.keeper;

/* Nanoseconds that the lease still runs; ends it when none are left. */
static uint64_t lease_left(void)
{
	uint64_t now;

	if (own->lease_end_ns == 0)
		return 0;
	now = mdi_sys_now_ns();
	if (now < own->lease_end_ns)
		return own->lease_end_ns - now;
	own->lease_end_ns = 0;
	return 0;
}

static bool possible(enum mdi_wish wish, const struct mdi_domain *domain)
{
	if (wish != MDI_WISH_ENTER)
		return own->inside == 0;
	if (own->inside != 0)
		return own->current == domain;
	return own->holds == 0 && lease_left() == 0;
}

static int enter(struct mdi_domain *domain)
{
	int result = own->ops->to_domain(domain);

	if (result != 0)
		own->ops->to_host();
	return result;
}

MDI_INLINE int grant(enum mdi_wish wish, struct mdi_domain *domain)
{
	int result = 0;

	switch (wish) {
	case MDI_WISH_ENTER:
		if (own->inside == 0)
			result = enter(domain);
		if (result != 0)
			return result;
		own->current = domain;
		own->inside++;
		return 0;
	case MDI_WISH_HOLD:
		result = own->ops->open(domain);
		if (result == 0)
			own->holds++;
		return result;
	case MDI_WISH_TOUCH:
		result = own->ops->open(domain);
		own->lease_end_ns = mdi_sys_now_ns() + LEASE_NS;
		return result;
	}
	return result;
}

static void advance_line(void)
{
	while (own->first != NULL &&
	       possible(own->first->wish, own->first->domain)) {
		struct mdi_waiter *next = own->first;

		own->first = next->next;
		if (own->first == NULL)
			own->last = &own->first;
		next->result = grant(next->wish, next->domain);
		next->saved_errno = errno;
		/* From here on the waiter's stack frame can be gone. */
		__atomic_fetch_or(&next->word, GRANTED, __ATOMIC_RELEASE);
		mdi_sys_futex_wake(&next->word, 1);
	}
	/* Only the lease is in the way: its end wakes nobody, time does. */
	if (own->first != NULL && own->lease_end_ns != 0) {
		__atomic_fetch_add(&own->first->word, LOOK_AGAIN,
				   __ATOMIC_RELAXED);
		mdi_sys_futex_wake(&own->first->word, 1);
	}
}

/* Grant what can be granted, in order. */
static inline void advance(void)
{
	if (own->first != NULL)
		advance_line();
}

/* At the end of the line, unless it is in it. The lock is held. */
static void line_up(struct mdi_waiter *self)
{
	self->next = NULL;
	*own->last = self;
	own->last = &self->next;
}

/* A signal has come for a thread that waits: out of the line, and in again. */
static void step_aside(struct mdi_waiter *self)
{
	struct mdi_waiter **link = &own->first;
	bool waits;

	mdi_lock(&own->lock);
	waits = !(self->word & GRANTED);
	if (waits) {
		while (*link != self)
			link = &(*link)->next;
		*link = self->next;
		if (self->next == NULL)
			own->last = link;
		advance(); /* it may have been in the way */
	}
	mdi_unlock(&own->lock);
	if (!waits)
		return;
	mdi_critical_pause();
	mdi_critical_waits(&self->word); /* the handler may have waited too */
	mdi_lock(&own->lock);
	line_up(self);
	mdi_unlock(&own->lock);
}

/* In line, with the lock held on entry and not on return. */
static int wait_in_line(enum mdi_wish wish, struct mdi_domain *domain)
{
	struct mdi_waiter self = {.wish = wish, .domain = domain};
	uint64_t timeout;
	uint32_t seen;

	line_up(&self);
	mdi_critical_waits(&self.word);
	for (;;) {
		/*
		 * In this order: a lease that ends here is over for advance(),
		 * one that begins there changes the word.
		 */
		timeout = lease_left();
		seen = __atomic_load_n(&self.word, __ATOMIC_RELAXED);
		advance();
		mdi_unlock(&own->lock);
		if (__atomic_load_n(&self.word, __ATOMIC_ACQUIRE) & GRANTED)
			break;
		/* One that is kept from here on changes the word. */
		if (!mdi_critical_pending())
			mdi_sys_futex_wait(&self.word, seen, timeout);
		if (mdi_critical_pending())
			step_aside(&self);
		mdi_lock(&own->lock);
	}
	mdi_critical_waits(NULL);
	if (self.result != 0)
		errno = self.saved_errno;
	return self.result;
}

void mdi_keeper_start(const struct mdi_keeper_ops *operations)
{
	own->ops = operations;
	mdi_keeper_after_fork(NULL, 0);
}

/* Nothing is remembered but what is open: see struct mdi_keeper_ops. */
static int obey(enum mdi_wish wish, struct mdi_domain *domain)
{
	int result;

	mdi_critical_begin();
	mdi_lock(&own->lock);
	result =
		wish == MDI_WISH_ENTER ? enter(domain) : own->ops->open(domain);
	mdi_unlock(&own->lock);
	mdi_critical_end();
	return result;
}

int mdi_keeper_wish(enum mdi_wish wish, struct mdi_domain *domain, bool again)
{
	int result;

	if (own->ops->external)
		return obey(wish, domain);

	/*
	 * Critical also while it waits: a signal handler that wished too would
	 * wait in line behind the thread that it interrupted.
	 */
	mdi_critical_begin();
	mdi_lock(&own->lock);
	if ((again || own->first == NULL) && possible(wish, domain)) {
		result = grant(wish, domain);
		mdi_unlock(&own->lock);
	} else {
		result = wait_in_line(wish, domain);
	}
	mdi_critical_end();
	return result;
}

void mdi_keeper_leave(void)
{
	int saved = errno;

	mdi_critical_begin();
	mdi_lock(&own->lock);
	if (own->ops->external) {
		own->ops->to_host();
	} else if (--own->inside == 0) {
		/* Straight on to the next module when one is waiting. */
		if (own->first == NULL || own->first->wish != MDI_WISH_ENTER)
			own->ops->to_host();
		advance();
	}
	mdi_unlock(&own->lock);
	mdi_critical_end();
	errno = saved;
}

void mdi_keeper_unhold(void)
{
	int saved = errno;

	if (own->ops->external)
		return;
	mdi_critical_begin();
	mdi_lock(&own->lock);
	own->holds--;
	advance();
	mdi_unlock(&own->lock);
	mdi_critical_end();
	errno = saved;
}

int mdi_keeper_locked(int (*act)(void *arg, bool entered), void *arg)
{
	int result;

	mdi_critical_begin();
	mdi_lock(&own->lock);
	result = act(arg, own->inside != 0);
	mdi_unlock(&own->lock);
	mdi_critical_end();
	return result;
}

void mdi_keeper_before_fork(void)
{
	mdi_lock(&own->lock);
}

void mdi_keeper_after_fork_parent(void)
{
	mdi_unlock(&own->lock);
}

void mdi_keeper_after_fork(struct mdi_domain *domain, unsigned own_holds)
{
	own->lock.word = 0;
	own->first = NULL;
	own->last = &own->first;
	own->lease_end_ns = 0;
	own->holds = own_holds;
	own->inside = domain != NULL;
	own->current = domain;
}
