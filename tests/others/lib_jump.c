/* SPDX-License-Identifier: MIT */
/*
 * lib_jump.c - a library whose errors leave by longjmp(), as those for pictures
 * and scripts do.
 */
#include <setjmp.h>

void jump_error(jmp_buf where);

void jump_error(jmp_buf where)
{
	longjmp(where, 1);
}
