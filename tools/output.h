/* SPDX-License-Identifier: MIT */
/*
 * output.h - has all been written that a tool has printed?
 */
#ifndef MODISO_TOOLS_OUTPUT_H
#define MODISO_TOOLS_OUTPUT_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* To be asked at the end; if not, says so with the reason. */
static inline bool output_written(const char *tool)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	fprintf(stderr, "%s: standard output: %s\n", tool, strerror(errno));
	return false;
}

#endif /* MODISO_TOOLS_OUTPUT_H */
