/* SPDX-License-Identifier: MIT */
#include "os/linux_actions.h"

#include "os/state.h"

#include <signal.h>

static struct mdi_actions_state *const own = &mdi_os_state.actions;

void mdi_actions_reset(void)
{
	static const struct mdi_sigaction none;

	for (int signo = 1; signo < MDI_SIGNALS; signo++)
		mdi_action_put(signo, &none);
}

uint64_t mdi_actions_lock(void)
{
	uint64_t mask = 0;

	/* A thread gets its rights by a fault: not when that is blocked. */
	(void)__atomic_load_n((volatile uint32_t *)&own->guard.word,
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
	mdi_sys_requeue(signo, info);
}

void mdi_actions_after_fork(void)
{
	own->guard = (struct mdi_lock){ 0 };
}
