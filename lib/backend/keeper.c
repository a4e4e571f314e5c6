/* SPDX-License-Identifier: MIT */
#include "backend/keeper.h"

#include "backend/lease.h"
#include "backend/state.h"
#include "backend/turns.h"
#include "os/critical.h"
#include "os/lock.h"
#include "os/misuse.h"
#include "os/process.h"
#include "os/tracepoint.h"

#include <errno.h>

#define GRANTED    1u

static struct mdi_keeper_state *const own = &mdi_backend_state.keeper;

/*
 * Memory in no region is open again when one thread leaves: so there is only
 * one, and who keeps others out is interrupted like those whom host code wants
 * to leave.
 */
static bool is_confined(const struct mdi_domain *domain)
{
	return domain->confinement != MODISO_CONFINE_GUARD;
}

MDI_INLINE bool possible(enum mdi_wish wish, const struct mdi_domain *domain)
{
	if (wish != MDI_WISH_ENTER)
		return own->inside == 0;
	if (own->inside != 0)
		return own->current == domain && !is_confined(domain);
	if (own->first != NULL && own->turn != NULL && own->turn != domain)
		return false;
	return own->holds == 0 && mdi_lease_left() == 0;
}

/* --- the line --- */

static void begin_lease(uint64_t wished_ns)
{
	mdi_lease_begin(wished_ns);
	if (own->first != NULL)
		mdi_look_again(own->first);
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
		begin_lease(mdi_os_now_ns());
		return result;
	}
	return result;
}

/*
 * Who has waited sleeps yet: the lease begins when it wakes, and until then it
 * is as if it held the state.
 */
static int grant_waiter(const struct mdi_waiter *waiter)
{
	int result = grant(waiter->wish, waiter->domain);

	own->holds += waiter->wish == MDI_WISH_TOUCH;
	return result;
}

static void woken(const struct mdi_waiter *self)
{
	if (self->wish != MDI_WISH_TOUCH)
		return;
	mdi_lock(&own->lock);
	own->holds--;
	begin_lease(self->wished_ns);
	mdi_unlock(&own->lock);
}

static void advance_line(void)
{
	bool moved = false;

	while (own->first != NULL &&
	       possible(own->first->wish, own->first->domain)) {
		struct mdi_waiter *next = own->first;

		own->first = next->next;
		if (own->first == NULL)
			own->last = &own->first;
		own->hosts -= next->wish != MDI_WISH_ENTER;
		next->result = grant_waiter(next);
		next->saved_errno = errno;
		/* From here on the waiter's stack frame can be gone. */
		__atomic_fetch_or(&next->word, GRANTED, __ATOMIC_RELEASE);
		mdi_os_wake(&next->word, 1);
		moved = true;
	}
	/* The end of a lease or a turn wakes nobody: who is in front looks. */
	if (moved && own->first != NULL &&
	    (own->lease_end_ns != 0 || own->turn != NULL))
		mdi_look_again(own->first);
}

/* Grant what can be granted, in order. */
static inline void advance(void)
{
	if (own->first != NULL)
		advance_line();
}

/* The thread that it was for wants to be in a module. The lock is held. */
static inline void give_back_lease(void)
{
	if (own->lease_end_ns == 0)
		return;
	mdi_lease_give_back();
	if (own->lease_end_ns == 0 && own->first != NULL)
		mdi_look_again(own->first);
}

/* At the end of the line, unless it is in it. The lock is held. */
static void line_up(struct mdi_waiter *self)
{
	mdi_turn_wished(self->wish, self->domain);
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
		own->hosts -= self->wish != MDI_WISH_ENTER;
		advance(); /* it may have been in the way */
		if (own->first != NULL)
			mdi_look_again(own->first);
	}
	mdi_unlock(&own->lock);
	if (!waits)
		return;
	mdi_critical_waits(NULL);
	mdi_critical_pause();
	mdi_critical_waits(&self->word); /* the handler may have waited too */
	mdi_lock(&own->lock);
	if (self->wish == MDI_WISH_ENTER)
		give_back_lease(); /* the handler's */
	line_up(self);
	mdi_unlock(&own->lock);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

/*
 * Nanoseconds until those inside are asked to leave; 0: they are not. While
 * nobody is, others who are ahead can come in, and wake nobody.
 */
static uint64_t ask_to_leave(struct mdi_waiter *self)
{
	uint64_t now = mdi_os_now_ns();

	if (own->ops->interrupt == NULL ||
	    (self->wish == MDI_WISH_ENTER && !is_confined(self->domain)))
		return 0;
	if (own->inside == 0)
		return MDI_ASK_AGAIN_NS;
	if (self->ask_ns == 0)
		self->ask_ns = now + (self->wish == MDI_WISH_ENTER ?
					      MDI_TURN_NS :
					      MDI_PATIENCE_NS);
	if (now >= self->ask_ns) {
		own->ops->interrupt();
		self->ask_ns = now + (MDI_ASK_AGAIN_NS << self->asked);
		self->asked += MDI_ASK_AGAIN_NS << self->asked < MDI_ASK_MAX_NS;
	}
	return self->ask_ns - now;
}

/* In line, with the lock held on entry and not on return. */
static MDI_RARE int wait_in_line(enum mdi_wish wish, struct mdi_domain *domain)
{
	struct mdi_waiter self = {.wish = wish, .domain = domain};
	uint64_t timeout, begin = mdi_clock();
	uint32_t seen;

	if (mdi_critical_waiting())
		mdi_misuse("this thread would wait for itself for ever: a "
			   "signal handler that the library does not stand in "
			   "front of has interrupted it, and touches what a "
			   "module must leave first; " MDI_HOW_TO_INSTALL);
	if (wish == MDI_WISH_TOUCH)
		self.wished_ns = mdi_os_now_ns();
	MDI_PROBE1(wait_begin, domain != NULL ? domain->head.link : 0);
	line_up(&self);
	mdi_critical_waits(&self.word);
	for (;;) {
		/*
		 * In this order: a lease or a turn that ends here is over for
		 * advance(), and what changes there changes the word.
		 */
		timeout = mdi_turn_look(&self);
		if (timeout == 0)
			timeout = mdi_lease_left();
		timeout = sooner(timeout, ask_to_leave(&self));
		seen = __atomic_load_n(&self.word, __ATOMIC_RELAXED);
		advance();
		mdi_unlock(&own->lock);
		if (__atomic_load_n(&self.word, __ATOMIC_ACQUIRE) & GRANTED)
			break;
		/* One that is kept from here on changes the word. */
		if (!mdi_critical_pending())
			mdi_os_wait(&self.word, seen, timeout);
		if (mdi_critical_pending())
			step_aside(&self);
		mdi_lock(&own->lock);
	}
	mdi_critical_waits(NULL);
	woken(&self);
	MDI_PROBE1(wait_end, domain != NULL ? domain->head.link : 0);
	if (own->waited != NULL)
		own->waited(domain, begin);
	if (self.result != 0)
		errno = self.saved_errno;
	return self.result;
}

void mdi_keeper_tells(void (*waited)(const struct mdi_domain *domain,
				     uint64_t begin))
{
	own->waited = waited;
}

void mdi_keeper_start(const struct mdi_keeper_ops *operations)
{
	own->ops = operations;
	mdi_keeper_after_fork(NULL, 0);
}

/*
 * In line, or past it where that may be. Critical also while it waits: a signal
 * handler that wished too would wait in line behind the thread that it
 * interrupted. The lock is held on entry and not on return.
 */
static MDI_RARE int wish_in_order(enum mdi_wish wish, struct mdi_domain *domain,
				  bool again)
{
	int result;

	if (wish == MDI_WISH_ENTER)
		give_back_lease();
	if ((!again && own->first != NULL && !mdi_turn_taken(wish, domain)) ||
	    !possible(wish, domain))
		return wait_in_line(wish, domain);
	result = grant(wish, domain);
	mdi_unlock(&own->lock);
	return result;
}

/* Nothing is remembered but what is open: see struct mdi_keeper_ops. */
static MDI_RARE int obey(enum mdi_wish wish, struct mdi_domain *domain)
{
	int result = wish == MDI_WISH_ENTER ? enter(domain) :
					      own->ops->open(domain);

	mdi_unlock(&own->lock);
	return result;
}

int mdi_keeper_wish(enum mdi_wish wish, struct mdi_domain *domain, bool again)
{
	int result;

	mdi_critical_begin();
	mdi_lock(&own->lock);
	result = own->ops->external ? obey(wish, domain) :
				      wish_in_order(wish, domain, again);
	mdi_critical_end();
	return result;
}

/* Is it the host's state, which nobody waits for or wants kept? */
MDI_INLINE bool is_idle(void)
{
	return own->first == NULL && (own->inside | own->holds) == 0 &&
	       own->lease_end_ns == 0;
}

static MDI_RARE int enter_in_order(struct mdi_domain *domain)
{
	int saved = errno;
	int result = wish_in_order(MDI_WISH_ENTER, domain, false);

	if (result == 0)
		errno = saved;
	return result;
}

int mdi_keeper_enter(struct mdi_domain *domain)
{
	int result;

	mdi_lock(&own->lock);
	if (own->ops->external)
		return obey(MDI_WISH_ENTER, domain);
	if (!is_idle())
		return enter_in_order(domain);
	result = grant(MDI_WISH_ENTER, domain);
	mdi_unlock(&own->lock);
	return result;
}

static int lease_locked(void *arg, bool entered)
{
	uint64_t *time = arg;

	(void)entered;
	begin_lease(*time);
	*time = own->lease.length_ns;
	return 0;
}

uint64_t mdi_keeper_lease(uint64_t wished_ns)
{
	(void)mdi_keeper_locked(lease_locked, &wished_ns);
	return wished_ns;
}

static MDI_RARE void give_turn(struct mdi_domain *left)
{
	int saved = errno;

	advance_line();
	own->gave = left;
	own->gave_ns = mdi_os_now_ns();
	errno = saved;
}

void mdi_keeper_leave(void)
{
	mdi_lock(&own->lock);
	if (own->ops->external) {
		own->ops->to_host();
	} else if (--own->inside == 0) {
		struct mdi_domain *left = own->current;
		bool stays = own->first == NULL || mdi_turn_is_kept();

		/* Straight on to the next module when one is waiting. */
		if (stays || own->first->wish != MDI_WISH_ENTER)
			own->ops->to_host();
		if (!stays)
			give_turn(left);
	}
	mdi_unlock(&own->lock);
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

/*
 * Host code may want memory of the program's while it has the lock: for a
 * sentence, say. So nobody is in a module meanwhile that closes it.
 */
static bool hold_for_lock(void)
{
	bool closes = !own->ops->external && own->inside != 0 &&
		      is_confined(own->current);

	if (closes) {
		mdi_unlock(&own->lock);
		(void)mdi_keeper_wish(MDI_WISH_HOLD, NULL, true);
		mdi_lock(&own->lock);
	}
	return closes;
}

int mdi_keeper_locked(int (*act)(void *arg, bool entered), void *arg)
{
	bool held;
	int result;

	mdi_critical_begin();
	mdi_lock(&own->lock);
	held = hold_for_lock();
	result = act(arg, own->inside != 0);
	mdi_unlock(&own->lock);
	if (held)
		mdi_keeper_unhold();
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
	own->hosts = 0;
	own->turn = own->cut = own->gave = NULL;
	own->hurry = false;
	own->holds = own_holds;
	own->inside = domain != NULL;
	own->current = domain;
}
