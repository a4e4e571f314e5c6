/* SPDX-License-Identifier: MIT */
/* The thread stands in a handler. */
#include "contract/frozen.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

struct modiso_thread *task;
atomic_uint thawed;

static pthread_t task_thread;
static atomic_uint frozen;

static void freeze(int signo)
{
	unsigned now = atomic_fetch_add(&frozen, 1) + 1;

	(void)signo;
	while (atomic_load(&thawed) < now)
		sched_yield();
}

void be_task(void)
{
	const struct sigaction action = {.sa_handler = freeze};

	must_eq(sigaction(SIGUSR1, &action, NULL), 0);
	task_thread = pthread_self();
	expect(MODISO_OK, modiso_thread_self(&task));
}

void freeze_task(void)
{
	unsigned before = atomic_load(&frozen);

	must_eq(pthread_kill(task_thread, SIGUSR1), 0);
	while (atomic_load(&frozen) == before)
		sched_yield();
}

void thaw_task(void)
{
	atomic_fetch_add(&thawed, 1);
}
