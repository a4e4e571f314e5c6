/* SPDX-License-Identifier: MIT */
/*
 * support/mini_rtos_timer.h - the RTOS's own: what its threads wait for, and
 * the timer that freezes them.
 */
#ifndef TESTS_SUPPORT_MINI_RTOS_TIMER_H
#define TESTS_SUPPORT_MINI_RTOS_TIMER_H

#include "mini_rtos.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#define RTOS_SUSPEND SIGUSR1
#define RTOS_RESUME  SIGUSR2

#define MUST(condition)                                                        \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s:%d: not so: %s (%s)\n", __FILE__,  \
				__LINE__, #condition,                          \
				modiso_last_error_text());                     \
			abort();                                               \
		}                                                              \
	} while (0)

/*
 * What threads wait for and by, and what the timer looks at while a task runs,
 * in a mapping of its own: where the rest is closed while a module runs a
 * system call on it fails, and whoever touches it has the module leave first.
 * The mutex is "interrupts off": held by whoever changes what follows. The
 * timer takes it before it freezes a task, so no task is frozen while it holds
 * it.
 */
struct rtos_waits {
	pthread_mutex_t kernel;
	sem_t stopped, run[RTOS_TASKS];
	sem_t went_on; /* a task has, or there is none that could */
	sigset_t suspend, all_but_resume;
	int current; /* task; -1: idle */
	bool killing;
	pthread_t thread[RTOS_TASKS];
	/*
	 * Set by the task when it goes on. Until then it is not frozen again:
	 * on a loaded machine no task would get further.
	 */
	atomic_bool running[RTOS_TASKS];
};

struct rtos_waits *rtos_waits_create(void);
void rtos_waits_destroy(struct rtos_waits *waits);

void rtos_wait_for(sem_t *semaphore);

/*
 * The next tick, as rtos_run() has it. True: the kernel is locked, and the
 * current task frozen. Touches nothing up to there that may be closed, @waits
 * apart; @random is on the caller's stack.
 */
bool rtos_timer_tick(struct rtos_waits *waits, unsigned long tick_ns,
		     uint64_t *random);

#endif /* TESTS_SUPPORT_MINI_RTOS_TIMER_H */
