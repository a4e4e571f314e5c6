/* SPDX-License-Identifier: MIT */
/*
 * state.h - what this layer can change: see base/state.h.
 */
#ifndef MDI_STATE_H
#define MDI_STATE_H

#include "base/state.h"

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
} MDI_STATE mdi_libc_state;

extern struct mdi_top_state {
	/* Signals that signal() is not to restart calls for: siginterrupt() */
	uint64_t interrupting;
} MDI_STATE mdi_top_state;

#endif /* MDI_STATE_H */
