/* SPDX-License-Identifier: MIT */
/*
 * os/linux/actions.h - what the program asked for, for each signal.
 *
 * The kernel has the library's own entry for every signal that has a handler.
 * Here is what sigaction(2) would say without the library.
 */
#ifndef MDI_OS_LINUX_ACTIONS_H
#define MDI_OS_LINUX_ACTIONS_H

#include "base/common.h"
#include "os/linux/sys.h"

#define MDI_SIGNALS 65 /* 1 to 64 */

static inline bool mdi_action_has_handler(const struct mdi_sigaction *action)
{
	return (uintptr_t)action->handler > (uintptr_t)SIG_IGN;
}

/*
 * Around a change, so that what is here and what the kernel has come from the
 * same caller. All signals are blocked meanwhile: a handler may call
 * sigaction(2). AS-Safe. The lock returns the mask that the unlock wants.
 */
uint64_t mdi_actions_lock(void);
void mdi_actions_unlock(uint64_t mask);
/* The lock is held. Nothing was asked for; this was. */
void mdi_actions_reset(void);
void mdi_action_put(int signo, const struct mdi_sigaction *action);

/* One that was asked for as a whole, no mixture. AS-Safe, without the lock. */
void mdi_action_get(int signo, struct mdi_sigaction *action);

/* --- who goes round the library --- */

/*
 * Who takes a signal by a system call of his own has been told by the kernel
 * that the library's entry was there. He may call that, or put it back; then he
 * means what was asked for until he came. So this is kept, below him, and the
 * entry is put in again with another flag, by which it can be told which one is
 * put back. More than three are not kept: the last one loses its place.
 */
#define MDI_BELOW 3

/* The lock is held. Flags that are the entry's for now, among these. */
unsigned long mdi_action_tag(int signo);
unsigned long mdi_action_tag_bits(int signo);
/*
 * @action has come in. @round: in place of the entry, which is put in again.
 */
void mdi_action_came(int signo, const struct mdi_sigaction *action, bool round);
/* The entry is in, with these flags: is it one that was there before? */
void mdi_action_seen(int signo, const struct mdi_sigaction *entry);

/* For a signal that has come: the same, if the kernel has @entry. AS-Safe. */
void mdi_action_look(int signo, void (*entry)(int, siginfo_t *, void *));
/*
 * What was asked for before that many others came, the last of them being what
 * is asked for now. False: nothing. AS-Safe.
 */
bool mdi_action_below(int signo, unsigned others, struct mdi_sigaction *action);

/*
 * For a signal that has come: @action is what is to be done about it. True: a
 * handler is to be called, and if it was for one time (SA_RESETHAND), this is
 * it. False: the default, or nothing. AS-Safe.
 * @front: the library stands in front of the handler by itself; the default
 *         must become the kernel's as well.
 */
bool mdi_action_take(int signo, struct mdi_sigaction *action, bool front);

/*
 * The signal has come here and has the default action: that, with the siginfo
 * that it came with, when the handler returns. AS-Safe.
 */
void mdi_action_default(int signo, const siginfo_t *info);

/* In the child: a thread that is not there may have the lock. */
void mdi_actions_after_fork(void);

#endif /* MDI_OS_LINUX_ACTIONS_H */
