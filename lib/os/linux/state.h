/* SPDX-License-Identifier: MIT */
/*
 * os/linux/state.h - what this layer can change: see base/state.h.
 */
#ifndef MDI_OS_LINUX_STATE_H
#define MDI_OS_LINUX_STATE_H

#include "base/latch.h"
#include "base/state.h"
#include "os/linux/actions.h"
#include "os/linux/signal.h"
#include "os/linux/sys.h"
#include "os/lock.h"

struct mdi_memory_state {
	/* One page of an empty file, shared; or NULL. */
	void *void_page;
};

/* linux_actions.h: who goes round the library. */
struct mdi_below {
	uint32_t count;
	struct mdi_sigaction actions[MDI_BELOW];
};

struct mdi_actions_state {
	struct mdi_below below[MDI_SIGNALS];
	/* Written under the lock, read by handlers without it. */
	MDI_LATCH(struct mdi_sigaction) asked[MDI_SIGNALS];
	/*
	 * Guards what is written to asked, and the kernel's actions. Innermost;
	 * no handler runs on a thread that has it.
	 */
	struct mdi_lock guard;
};

struct mdi_signal_state {
	void (*ours)(int, siginfo_t *, void *);
	void (*restorer)(void);
	uint64_t mask; /* of ours */
};

/* os/dispatch.h */
struct mdi_dispatch_state {
	bool asked, works;
	int error;       /* of prctl(2) */
	int child_error; /* no child could be made to find out */
};

extern struct mdi_os_state {
	struct mdi_actions_state actions;
	struct mdi_dispatch_state dispatch;
	struct mdi_memory_state memory;
	struct mdi_signal_state signal;
} MDI_STATE mdi_os_state;

#endif /* MDI_OS_LINUX_STATE_H */
