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

#endif /* TESTS_SUPPORT_WINDOWS_STDLIB_H */
