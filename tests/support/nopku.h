/* SPDX-License-Identifier: MIT */
/*
 * support/nopku.h - what the library does where pkey_alloc(2) fails: it says
 * why, executes no instruction that would be SIGILL, and works with mprotect
 * unless pkey was asked for.
 */
#ifndef TESTS_SUPPORT_NOPKU_H
#define TESTS_SUPPORT_NOPKU_H

#include <check.h>
#include <stdbool.h>

/*
 * The cases, each once for every errno that a system-call filter may answer
 * with; @without_filter: and once with what this machine says by itself.
 */
TCase *nopku_cases(bool without_filter);

#endif /* TESTS_SUPPORT_NOPKU_H */
