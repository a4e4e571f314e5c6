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

#include <pthread.h>
#include <threads.h>

typedef void mdi_end_fn(int status);
typedef void mdi_assert_fn(const char *assertion, const char *file,
			   unsigned line, const char *function);
typedef void mdi_jump_fn(void *env, int value);
typedef int mdi_cancel_fn(pthread_t thread);
typedef int mdi_create_fn(pthread_t *thread, const pthread_attr_t *options,
			  void *(*function)(void *), void *arg);
typedef int mdi_thrd_create_fn(thrd_t *thread, thrd_start_t function,
			       void *arg);

/*
 * The C library's functions that ours stand in front of: interpose_libc.c.
 * Constant once the library is initialised. Modules read it.
 */
extern struct mdi_libc_state {
	mdi_end_fn *end[3];
	void (*abort)(void);
	mdi_assert_fn *assert_fail;
	void (*stack_chk_fail)(void);
	mdi_jump_fn *longjmp, *_longjmp, *siglongjmp, *longjmp_chk;
	mdi_cancel_fn *cancel;
	mdi_create_fn *create;
	mdi_thrd_create_fn *thrd_create;
	bool found;
	bool called; /* what the program calls is this library's */
} MDI_STATE mdi_libc_state;

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
