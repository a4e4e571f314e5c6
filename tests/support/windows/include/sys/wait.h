/* SPDX-License-Identifier: MIT */
/*
 * sys/wait.h - how a process of child_status() has ended: 0x100 and a signal's
 * number, where Linux would say that; else what it has exited with.
 */
#ifndef TESTS_SUPPORT_WINDOWS_WAIT_H
#define TESTS_SUPPORT_WINDOWS_WAIT_H

#define WIFSIGNALED(status) (((status) & 0x100) != 0)
#define WTERMSIG(status)    ((status) & 0xff)
#define WIFEXITED(status)   (((status) & 0x100) == 0)
#define WEXITSTATUS(status) ((status) & 0xff)

static inline int waitpid(int process, int *status, int options)
{
	(void)process;
	(void)status;
	(void)options;
	return -1;
}

#endif /* TESTS_SUPPORT_WINDOWS_WAIT_H */
