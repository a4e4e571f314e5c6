/* SPDX-License-Identifier: MIT */
/* The task is frozen in a signal handler, and a thread of its own schedules. */
#include "contract/scheduled.h"
#include "support/proc.h"

#include <signal.h>

sem_t frozen, go;
atomic_bool idle, over;
pthread_t scheduler;

void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) != 0)
		must_eq(errno, EINTR);
}

/* No SA_ONSTACK and no care for errno, as a simulator's. */
static void freeze(int signo)
{
	int saved = errno;

	(void)signo;
	must(sem_post(&frozen) == 0);
	wait_for(&go);
	errno = saved;
}

static void *schedule(void *unused)
{
	for (;;) {
		atomic_store(&idle, true);
		wait_for(&frozen);
		atomic_store(&idle, false);
		if (atomic_load(&over))
			break;
		must_eq(modiso_thread_preempt(task), 0);
		while_frozen();
		must_eq(modiso_thread_resume(task), 0);
		must(sem_post(&go) == 0);
	}
	return unused;
}

void make_freezable(void)
{
	const struct sigaction action = {.sa_handler = freeze};

	must(!sem_init(&frozen, 0, 0) && !sem_init(&go, 0, 0));
	must(!sigaction(SIGUSR1, &action, NULL));
}

void freeze_task(pthread_t thread)
{
	must_eq(pthread_kill(thread, SIGUSR1), 0);
}

void start_scheduler(void (*other_work)(void))
{
	while_frozen = other_work;
	make_freezable();
	expect(MODISO_OK, modiso_thread_self(&task));
	scheduler = thread_start(schedule, NULL);
}

void stop_scheduler(void)
{
	atomic_store(&over, true);
	must(sem_post(&frozen) == 0);
	thread_join(scheduler);
}
