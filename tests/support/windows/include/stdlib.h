/* SPDX-License-Identifier: MIT */
/*
 * stdlib.h - mkstemp() whose file can be opened once more, by its name,
 * mkdtemp(), and the environment.
 */
#ifndef TESTS_SUPPORT_WINDOWS_STDLIB_H
#define TESTS_SUPPORT_WINDOWS_STDLIB_H

#include_next <stdlib.h>

int test_mkstemp(char *path);
#define mkstemp test_mkstemp
char *mkdtemp(char *path);
int setenv(const char *name, const char *value, int replace);
int unsetenv(const char *name);

/* The same numbers for the same seed, each below 2^31. */
static inline int rand_r(unsigned *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return (int)(*seed >> 1 ^ *seed >> 16);
}

#endif /* TESTS_SUPPORT_WINDOWS_STDLIB_H */
