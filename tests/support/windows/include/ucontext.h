/* SPDX-License-Identifier: MIT */
/*
 * ucontext.h - stacks that a host switches, which are the system's fibers. Each
 * has a stack that the system makes: uc_stack.ss_size bytes, somewhere else.
 * One that has left by setcontext() ends.
 */
#ifndef TESTS_SUPPORT_WINDOWS_UCONTEXT_H
#define TESTS_SUPPORT_WINDOWS_UCONTEXT_H

#include <signal.h>

typedef struct {
	stack_t uc_stack;
	void *fiber, *ended; /* ended: who has come back here, for good */
	void (*run)(int number);
	int number;
} ucontext_t;

static inline int getcontext(ucontext_t *context)
{
	*context = (ucontext_t){.fiber = NULL};
	return 0;
}

/* @run takes one number. */
void makecontext(ucontext_t *context, void (*run)(void), int count, int number);
int swapcontext(ucontext_t *from, ucontext_t *to);
int setcontext(ucontext_t *to);

#endif /* TESTS_SUPPORT_WINDOWS_UCONTEXT_H */
