/* SPDX-License-Identifier: MIT */
#include "os/linux/actions.h"

#include "os/linux/signal.h"
#include "os/linux/state.h"
#include "os/linux/sys.h"

#include <signal.h>

static struct mdi_actions_state *const own = &mdi_os_state.actions;

void mdi_actions_reset(void)
{
	static const struct mdi_sigaction none;

	for (int signo = 1; signo < MDI_SIGNALS; signo++) {
		mdi_action_put(signo, &none);
		own->below[signo].count = 0;
	}
}

uint64_t mdi_actions_lock(void)
{
	uint64_t mask = 0;

	/* A thread gets its rights by a fault: not when that is blocked. */
	(void)__atomic_load_n((volatile uint64_t *)&own->guard.word,
			      __ATOMIC_RELAXED);
	mdi_sys_sigmask(SIG_SETMASK, ~(uint64_t)0, &mask);
	mdi_lock(&own->guard);
	return mask;
}

void mdi_actions_unlock(uint64_t mask)
{
	mdi_unlock(&own->guard);
	mdi_sys_sigmask(SIG_SETMASK, mask, NULL);
}

void mdi_action_put(int signo, const struct mdi_sigaction *action)
{
	mdi_latch_set(&own->asked[signo], action);
}

void mdi_action_get(int signo, struct mdi_sigaction *action)
{
	mdi_latch_get(&own->asked[signo], action);
}

/* --- who goes round the library --- */

/*
 * Two that the kernel keeps for every signal and that mean nothing for this
 * one: some say something of children, the others how a handler is started
 * again, which the entry's mask rules out, and what an address is to look like,
 * which SIGCHLD does not have.
 */
#ifndef SA_EXPOSE_TAGBITS
#	define SA_EXPOSE_TAGBITS 0x00000800
#endif

unsigned long mdi_action_tag_bits(int signo)
{
	return signo == SIGCHLD ?
		       (unsigned long)(SA_NODEFER | SA_EXPOSE_TAGBITS) :
		       (unsigned long)(SA_NOCLDSTOP | SA_NOCLDWAIT);
}

/* A number, and its two bits in the place of the upper and the lower one. */
static unsigned long to_tag(int signo, uint32_t number)
{
	unsigned long bits = mdi_action_tag_bits(signo);
	unsigned long lower = bits & -bits;

	return (number & 1 ? lower : 0) | (number & 2 ? bits - lower : 0);
}

static uint32_t from_tag(int signo, unsigned long flags)
{
	uint32_t number = 0;

	while (number < MDI_BELOW &&
	       to_tag(signo, number) != (flags & mdi_action_tag_bits(signo)))
		number++;
	return number;
}

unsigned long mdi_action_tag(int signo)
{
	return to_tag(signo, own->below[signo].count);
}

void mdi_action_came(int signo, const struct mdi_sigaction *action, bool round)
{
	struct mdi_below *below = &own->below[signo];
	struct mdi_sigaction asked;

	mdi_action_get(signo, &asked);
	/* One that comes again has its place already. */
	if (round && below->count < MDI_BELOW &&
	    asked.handler != action->handler)
		below->actions[below->count++] = asked;
	mdi_action_put(signo, action);
}

void mdi_action_seen(int signo, const struct mdi_sigaction *entry)
{
	struct mdi_below *below = &own->below[signo];
	uint32_t tag = from_tag(signo, entry->flags);

	if (tag >= below->count)
		return;
	below->count = tag;
	mdi_action_put(signo, &below->actions[tag]);
}

void mdi_action_look(int signo, void (*entry)(int, siginfo_t *, void *))
{
	struct mdi_sigaction now;
	uint64_t mask;

	if (__atomic_load_n(&own->below[signo].count, __ATOMIC_RELAXED) == 0)
		return;
	mask = mdi_actions_lock();
	if (mdi_sys_sigaction(signo, NULL, &now) == 0 && now.handler == entry)
		mdi_action_seen(signo, &now);
	mdi_actions_unlock(mask);
}

bool mdi_action_below(int signo, unsigned others, struct mdi_sigaction *action)
{
	struct mdi_below *below = &own->below[signo];
	uint64_t mask = mdi_actions_lock();
	bool has = others >= 1 && others <= below->count;

	if (has)
		*action = below->actions[below->count - others];
	mdi_actions_unlock(mask);
	return has;
}

/* --- a signal that has come --- */

static void set_default(int signo, struct mdi_sigaction action, bool front)
{
	action.handler = NULL; /* SIG_DFL; flags and mask stay */
	mdi_action_put(signo, &action);
	if (front)
		mdi_sys_sigaction(signo, &action, NULL);
}

bool mdi_action_take(int signo, struct mdi_sigaction *action, bool front)
{
	uint64_t mask;
	bool has;

	mdi_action_get(signo, action);
	if (!mdi_action_has_handler(action))
		return false;
	if (!(action->flags & SA_RESETHAND))
		return true;
	/* Of several threads that come here one has it. */
	mask = mdi_actions_lock();
	mdi_action_get(signo, action);
	has = mdi_action_has_handler(action);
	if (has && action->flags & SA_RESETHAND)
		set_default(signo, *action, front);
	mdi_actions_unlock(mask);
	return has;
}

void mdi_action_default(int signo, const siginfo_t *info)
{
	struct mdi_sigaction action;
	uint64_t mask = mdi_actions_lock();

	/* Who asked for it has not told the kernel yet, or is gone by fork. */
	mdi_action_get(signo, &action);
	if (!mdi_action_has_handler(&action))
		mdi_sys_sigaction(signo, &action, NULL);
	mdi_actions_unlock(mask);
	mdi_signal_again(signo, info);
}

void mdi_actions_after_fork(void)
{
	own->guard = (struct mdi_lock){ 0 };
}
