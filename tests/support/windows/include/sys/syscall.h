/* SPDX-License-Identifier: MIT */
/* sys/syscall.h - it lets tests compile: what asks it is skipped. */
#ifndef TESTS_SUPPORT_WINDOWS_SYSCALL_H
#define TESTS_SUPPORT_WINDOWS_SYSCALL_H

#define SYS_sigaltstack 0
#define SYS_exit        1

static inline long syscall(long number, ...)
{
	(void)number;
	return -1;
}

#endif /* TESTS_SUPPORT_WINDOWS_SYSCALL_H */
