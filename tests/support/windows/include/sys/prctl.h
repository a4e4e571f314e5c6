/* SPDX-License-Identifier: MIT */
/* sys/prctl.h - it lets tests compile: what asks it is skipped. */
#ifndef TESTS_SUPPORT_WINDOWS_PRCTL_H
#define TESTS_SUPPORT_WINDOWS_PRCTL_H

#define PR_SET_SECCOMP 22

static inline int prctl(int what, ...)
{
	(void)what;
	return -1;
}

#endif /* TESTS_SUPPORT_WINDOWS_PRCTL_H */
