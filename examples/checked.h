/* SPDX-License-Identifier: MIT */
/*
 * checked.h - what the examples do about errors: say the sentence, and end.
 */
#ifndef EXAMPLES_CHECKED_H
#define EXAMPLES_CHECKED_H

#include <modiso.h>

#include <stdio.h>
#include <stdlib.h>

/* @code: what a function of the library returned. @call: what that was. */
static inline void check(int code, const char *call)
{
	if (code == 0)
		return;
	fprintf(stderr, "%s: %s\n", call, modiso_last_error_text());
	exit(1);
}

#endif /* EXAMPLES_CHECKED_H */
