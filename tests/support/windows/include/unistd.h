/* SPDX-License-Identifier: MIT */
/* unistd.h - and a pipe by its name of POSIX. */
#ifndef TESTS_SUPPORT_WINDOWS_UNISTD_H
#define TESTS_SUPPORT_WINDOWS_UNISTD_H

#include_next <unistd.h>

#include <fcntl.h>
#include <io.h>

static inline int pipe(int ends[2])
{
	return _pipe(ends, 65536, O_BINARY);
}

/* Of a file in the same directory (support/windows/proc.c). */
int symlink(const char *to, const char *path);

/* Nor is anybody told who has started it. */
static inline int getppid(void)
{
	return 0;
}

/* What forks is skipped (support/windows/test.c). */
static inline int fork(void)
{
	return -1;
}

/* Nobody has a number, or groups. */
static inline int getuid(void)
{
	return 0;
}

static inline int getgid(void)
{
	return 0;
}

static inline int setgid(int group)
{
	(void)group;
	return -1;
}

#endif /* TESTS_SUPPORT_WINDOWS_UNISTD_H */
