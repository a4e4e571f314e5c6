/* SPDX-License-Identifier: MIT */
/* sys/resource.h - it lets tests compile, what asks it is skipped. */
#ifndef TESTS_SUPPORT_WINDOWS_RESOURCE_H
#define TESTS_SUPPORT_WINDOWS_RESOURCE_H

#define RLIMIT_FSIZE  0
#define RLIMIT_NOFILE 1

struct rlimit {
	unsigned long long rlim_cur, rlim_max;
};

static inline int getrlimit(int which, struct rlimit *limit)
{
	(void)which;
	(void)limit;
	return -1;
}

static inline int setrlimit(int which, const struct rlimit *limit)
{
	(void)which;
	(void)limit;
	return -1;
}

#endif /* TESTS_SUPPORT_WINDOWS_RESOURCE_H */
