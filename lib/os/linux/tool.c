/* SPDX-License-Identifier: MIT */
#include "os/tool.h"

#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

/* Signals as in a program that has just been started. */
static int fresh_signals(posix_spawnattr_t *attributes)
{
	const short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	return posix_spawnattr_setsigmask(attributes, &none) == 0 &&
			       posix_spawnattr_setsigdefault(attributes,
							     &all) == 0 ?
		       posix_spawnattr_setflags(attributes, flags) :
		       -1;
}

static int direct(posix_spawn_file_actions_t *actions, int input, int output)
{
	if (posix_spawn_file_actions_adddup2(actions, input, 0) != 0 ||
	    posix_spawn_file_actions_adddup2(actions, output, 1) != 0)
		return -1;
	return posix_spawn_file_actions_addopen(actions, 2, "/dev/null",
						O_WRONLY, 0);
}

/* -1: not started. */
static pid_t start(char *const argv[], int input, int output)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	/* That of this process changes no tool's words. */
	char *const environment[] = {(char[]){"LC_ALL=C"}, NULL};
	pid_t child = -1;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return -1;
	if (posix_spawnattr_init(&attributes) == 0) {
		if (fresh_signals(&attributes) != 0 ||
		    direct(&actions, input, output) != 0 ||
		    posix_spawnp(&child, argv[0], &actions, &attributes, argv,
				 environment) != 0)
			child = -1;
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return child;
}

/* What does not fit is read all the same: who writes it comes to an end. */
static size_t read_all(int fd, char *answer, size_t size)
{
	char rest[512];
	size_t have = 0;
	ssize_t got;

	do {
		bool room = have < size - 1;

		got = read(fd, room ? answer + have : rest,
			   room ? size - 1 - have : sizeof(rest));
		if (got > 0 && room)
			have += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	answer[have] = '\0';
	return have;
}

/* A handler of the program's may have taken the status: nobody needs it. */
static void end(pid_t child)
{
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

static bool ask(char *const argv[], int input, char *answer, size_t size)
{
	int ends[2];
	pid_t child;
	size_t have;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	child = start(argv, input, ends[1]);
	close(ends[1]);
	have = child < 0 ? 0 : read_all(ends[0], answer, size);
	close(ends[0]);
	if (child >= 0)
		end(child);
	return have != 0;
}

bool mdi_tool_ask(char *const argv[], const void *input, size_t length,
		  char *answer, size_t size)
{
	int saved = errno, fd = mdi_file_create("modiso-tool", 0);
	bool answered = false;

	answer[0] = '\0';
	if (fd >= 0) {
		answered = write(fd, input, length) == (ssize_t)length &&
			   lseek(fd, 0, SEEK_SET) == 0 &&
			   ask(argv, fd, answer, size);
		mdi_file_close(fd);
	}
	errno = saved;
	return answered;
}
