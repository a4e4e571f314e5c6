/* SPDX-License-Identifier: MIT */
/*
 * What the kernel port for Linux waits in: its semaphores, on the heap
 * (tx_port_host.h says why), and a mask. And a line of a module's source, from
 * a program that says it.
 */
#define TX_SOURCE_CODE
#include "tx_api.h"
#include <txm_host.h>

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#undef sem_init
#undef sem_destroy

/* Its first bytes are the pointer. */
sem_t *_txm_linux_sem(const sem_t *where)
{
	sem_t *semaphore;

	memcpy(&semaphore, where, sizeof(semaphore));
	return semaphore;
}

int _txm_linux_sem_init(sem_t *where, int shared, unsigned int value)
{
	sem_t *semaphore = malloc(sizeof(*semaphore));

	if (semaphore == NULL)
		return -1;
	memcpy(where, &semaphore, sizeof(semaphore));
	return sem_init(semaphore, shared, value);
}

int _txm_linux_sem_destroy(sem_t *where)
{
	sem_t *semaphore = _txm_linux_sem(where);
	int result = sem_destroy(semaphore);

	free(semaphore);
	return result;
}

/*
 * How a frozen thread waits for @signo. Another one may be in a module by the
 * time that it comes here, so the mask is not in static memory.
 */
void _txm_linux_sigsuspend(int signo)
{
	sigset_t others;

	sigfillset(&others);
	sigdelset(&others, signo);
	sigsuspend(&others);
}

VOID _txm_linux_say_line(const char *path, const char *offset)
{
	char *const arguments[] = {"addr2line", "-fpe", (char *)path,
				   (char *)offset, NULL};
	posix_spawn_file_actions_t actions;
	pid_t child;

	fputs("  in the source: ", stderr);
	fflush(stderr);
	if (posix_spawn_file_actions_init(&actions) != 0)
		return;
	if (posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO,
					     STDOUT_FILENO) != 0 ||
	    posix_spawnp(&child, arguments[0], &actions, NULL, arguments,
			 environ) != 0)
		fprintf(stderr, "addr2line -fpe %s %s\n", path, offset);
	else
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			continue;
	posix_spawn_file_actions_destroy(&actions);
}
