/* SPDX-License-Identifier: MIT */
/*
 * support/windows/again.h - this program once more, in place of fork(2): for a
 * case, and for a child of a case.
 */
#ifndef TESTS_SUPPORT_WINDOWS_AGAIN_H
#define TESTS_SUPPORT_WINDOWS_AGAIN_H

#include <stdbool.h>
#include <stddef.h>

/* In the environment: which case; and which of its children, from 1. */
#define AGAIN_CASE  "MODISO_TEST_CASE"
#define AGAIN_CHILD "MODISO_TEST_CHILD"

/* How the children ended that came before, in hexadecimal digits. */
#define AGAIN_ENDS "MODISO_TEST_ENDS"

/* A case's last line, and the one of a case that is skipped. */
#define AGAIN_DONE    "# the case is done"
#define AGAIN_SKIPPED "# skip-next "

/*
 * True: it has passed, or is skipped, and then @skipped says why. What it
 * prints is printed.
 */
bool again_run_case(unsigned number, char *skipped, size_t size);

#endif /* TESTS_SUPPORT_WINDOWS_AGAIN_H */
