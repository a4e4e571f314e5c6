/* SPDX-License-Identifier: MIT */
/* linux/seccomp.h - it lets tests compile: what asks it is skipped. */
#ifndef TESTS_SUPPORT_WINDOWS_SECCOMP_H
#define TESTS_SUPPORT_WINDOWS_SECCOMP_H

#define SECCOMP_MODE_STRICT 1

#endif /* TESTS_SUPPORT_WINDOWS_SECCOMP_H */
