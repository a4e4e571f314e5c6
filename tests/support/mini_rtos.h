/* SPDX-License-Identifier: MIT */
/*
 * support/mini_rtos.h - a small RTOS on POSIX threads, in the manner of
 * ThreadX's Linux port: one thread for each task, one of them running, and a
 * timer that freezes the running one with a signal whose handler waits in
 * sigsuspend(2), on whatever stack it interrupted as far as the RTOS cares.
 *
 * A task's entry lies in a module, which reaches the kernel through one
 * service, the dispatcher: a request number and three words.
 *
 * It uses <modiso.h> alone, and fails by abort(3) with a line on standard
 * error: a test sees that, and so does an example.
 */
#ifndef TESTS_SUPPORT_MINI_RTOS_H
#define TESTS_SUPPORT_MINI_RTOS_H

#include <modiso.h>

#include <stdbool.h>
#include <stdint.h>

#define RTOS_TASKS 8
#define RTOS_PRIORITIES 8 /* 0 is the most urgent */
#define RTOS_QUEUES 4
#define RTOS_QUEUE_DEPTH 8

/* What a dispatcher returns besides results. */
#define RTOS_OK 0
#define RTOS_REFUSED ((uintptr_t)-1) /* a bad number, pointer or string */

enum rtos_request {
	RTOS_YIELD = 1,
	RTOS_SLEEP = 2,   /* ticks */
	RTOS_SEND = 3,    /* queue, word; waits while it is full */
	RTOS_RECEIVE = 4, /* queue, where to */
	RTOS_LOG = 5,     /* string */
	RTOS_TICKS = 6,
	RTOS_KILL = 7     /* a task by number */
};

struct rtos_task_options {
	const char *name;
	unsigned priority;
	struct modiso_module *module;
	struct modiso_gate *gate; /* NULL: a task of the host, @host */
	void (*host)(void *arg);  /* may call gates, and is killed when it is
				   * out of its modules */
	uintptr_t args[3];
};

/* Why a task ended. */
struct rtos_end {
	unsigned task;
	int status; /* of modiso_thread_enter()'s modiso_ended_fn */
};

struct rtos_counts {
	unsigned long ticks, switches;
	unsigned long preemptions; /* a frozen task, and another one ran */
	unsigned long refused, faults, ends;
	uintptr_t last_refused; /* its request number */
};

/* The library is started, with MODISO_EXCLUSION_EXTERNAL. */
void rtos_init(void);
/* The dispatcher, as modules call it. */
typedef uintptr_t (*rtos_dispatch_fn)(uintptr_t request, uintptr_t a,
				      uintptr_t b, uintptr_t c);
rtos_dispatch_fn rtos_dispatcher(void);

/* A task that is ready; before rtos_run() or by a task of the host. */
unsigned rtos_create(const struct rtos_task_options *options);
/* Tasks of the host: wait for the end of any task. */
struct rtos_end rtos_wait_end(void);
/* Of tasks, running or not; the calling one does not come back. */
void rtos_kill(unsigned task);
/* For tasks of the host, the same as the requests. */
void rtos_sleep(unsigned long ticks);

/*
 * Run until @done says so, which is asked at every tick, while the running task
 * is frozen; then every task is ended. @tick_ns: mean length of a tick; 0: no
 * clock, each task that goes on is preempted a few instructions later.
 */
void rtos_run(unsigned long tick_ns, bool (*done)(void));
struct rtos_counts rtos_counts(void);
void rtos_fini(void);

#endif /* TESTS_SUPPORT_MINI_RTOS_H */
