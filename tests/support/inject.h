/* SPDX-License-Identifier: MIT */
/*
 * support/inject.h - the kernel refuses: the i-th of some system calls fails.
 *
 * A seccomp filter hands the calls to another process, which counts them while
 * the test says so, fails those that were asked for, and lets all others go on.
 * The filter comes with threads and forks. Functions that a test wraps (ld's
 * --wrap) are counted in the same line.
 */
#ifndef TESTS_SUPPORT_INJECT_H
#define TESTS_SUPPORT_INJECT_H

#include <stdbool.h>
#include <stdint.h>

/* In memory that the two processes share. Module code may write it too. */
struct inject {
	volatile uint32_t armed; /* count and fail; 0: all go on */
	volatile uint32_t first; /* the first that fails; 1 is the next one */
	volatile uint32_t count; /* that many in a row fail */
	volatile uint32_t seen;  /* while armed */
	volatile uint32_t failed;
	volatile int32_t number; /* of the call that failed first; -1: none */
};
extern struct inject *inject;

/*
 * inject_start - go on in a child whose calls can be failed; once in a test.
 * @all: not only those that change memory; each costs time, failed or not.
 *
 * The test's own process answers for them, and ends as the child ends. Skips
 * where the kernel or a container has no such filter.
 */
void inject_start(bool all);

/* Fail the @first-th call from here on, and @count - 1 after it. */
void inject_arm(uint32_t first, uint32_t count);
/* No more. Returns how many have failed. */
uint32_t inject_disarm(void);

/* For wrapped functions: has this one's turn to fail come? */
bool inject_here(int number);
#define INJECT_WRAPPED 10000 /* their numbers begin here */

/* The name of a call that can fail here, and of the one that did. */
const char *inject_name(int number);
const char *inject_failed(void);

#endif /* TESTS_SUPPORT_INJECT_H */
