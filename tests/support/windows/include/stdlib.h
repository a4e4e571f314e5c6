/* SPDX-License-Identifier: MIT */
/* stdlib.h - mkstemp() whose file can be opened once more, by its name. */
#ifndef TESTS_SUPPORT_WINDOWS_STDLIB_H
#define TESTS_SUPPORT_WINDOWS_STDLIB_H

#include_next <stdlib.h>

int test_mkstemp(char *path);
#define mkstemp test_mkstemp

#endif /* TESTS_SUPPORT_WINDOWS_STDLIB_H */
