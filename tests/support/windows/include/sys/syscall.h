/* SPDX-License-Identifier: MIT */
/* sys/syscall.h - it lets tests compile: what asks it is skipped. */
#ifndef TESTS_SUPPORT_WINDOWS_SYSCALL_H
#define TESTS_SUPPORT_WINDOWS_SYSCALL_H

/* Linux's: a module's own C library asks by them. */
#define SYS_read          0
#define SYS_write         1
#define SYS_mmap          9
#define SYS_mprotect      10
#define SYS_munmap        11
#define SYS_getpid        39
#define SYS_exit          60
#define SYS_getuid        102
#define SYS_sigaltstack   131
#define SYS_io_setup      206
#define SYS_io_destroy    207
#define SYS_clock_gettime 228
#define SYS_exit_group    231
#define SYS_openat        257
#define SYS_getrandom     318
#define SYS_pkey_mprotect 329
#define SYS_io_uring_setup 425

static inline long syscall(long number, ...)
{
	(void)number;
	return -1;
}

#endif /* TESTS_SUPPORT_WINDOWS_SYSCALL_H */
