/* SPDX-License-Identifier: MIT */
/*
 * os/tool.h - another program, asked something: it reads a file on its standard
 * input and answers on its standard output.
 *
 * AS-Unsafe. The process has a child meanwhile, so SIGCHLD comes to it; the
 * child has none of its signal handlers and no signal blocked.
 */
#ifndef MDI_OS_TOOL_H
#define MDI_OS_TOOL_H

#include "base/common.h"

/*
 * @argv[0] is looked for in PATH. Its answer, cut off at @size, is text with a
 * zero at its end. False: it could not be started, or has answered nothing.
 * Keeps errno.
 */
bool mdi_tool_ask(char *const argv[], const void *input, size_t length,
		  char *answer, size_t size);

#endif /* MDI_OS_TOOL_H */
