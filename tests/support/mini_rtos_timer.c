/* SPDX-License-Identifier: MIT */
#include "mini_rtos_timer.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

struct rtos_waits *rtos_waits_create(void)
{
	struct rtos_waits *waits = mmap(NULL, sizeof(*waits),
					PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(waits != MAP_FAILED);
	waits->current = -1;
	sigaddset(&waits->suspend, RTOS_SUSPEND);
	sigfillset(&waits->all_but_resume);
	sigdelset(&waits->all_but_resume, RTOS_RESUME);
	MUST(pthread_mutex_init(&waits->kernel, NULL) == 0);
	MUST(sem_init(&waits->stopped, 0, 0) == 0);
	MUST(sem_init(&waits->went_on, 0, 0) == 0);
	return waits;
}

void rtos_waits_destroy(struct rtos_waits *waits)
{
	MUST(sem_destroy(&waits->went_on) == 0);
	MUST(sem_destroy(&waits->stopped) == 0);
	MUST(pthread_mutex_destroy(&waits->kernel) == 0);
	MUST(munmap(waits, sizeof(*waits)) == 0);
}

void rtos_wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) != 0)
		MUST(errno == EINTR);
}

/* Turns of a loop, at most: as long as it takes to come into a module. */
#define TURNS 256ul

static void wait_for_tick(struct rtos_waits *waits, unsigned long tick_ns,
			  uint64_t *random)
{
	struct timespec length = {0, 0};
	volatile unsigned long turns;

	*random = *random * 6364136223846793005ul + 1442695040888963407ul;
	if (tick_ns != 0) {
		length.tv_nsec = (long)(*random % (2 * tick_ns));
		nanosleep(&length, NULL);
		return;
	}
	rtos_wait_for(&waits->went_on);
	/* A few as often as many. */
	turns = *random % (TURNS << (*random >> 61));
	while (turns > 0)
		turns--;
}

bool rtos_timer_tick(struct rtos_waits *waits, unsigned long tick_ns,
		     uint64_t *random)
{
	int current;

	wait_for_tick(waits, tick_ns, random);
	MUST(pthread_mutex_lock(&waits->kernel) == 0);
	current = waits->current;
	if (waits->killing ||
	    (current >= 0 && !atomic_load(&waits->running[current]))) {
		MUST(pthread_mutex_unlock(&waits->kernel) == 0);
		return false;
	}
	if (current >= 0) {
		MUST(pthread_kill(waits->thread[current], RTOS_SUSPEND) == 0);
		rtos_wait_for(&waits->stopped);
	}
	return true;
}
