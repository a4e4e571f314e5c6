/* SPDX-License-Identifier: MIT */
/* No program is started for a report: there are words without. */
#include "os/tool.h"

bool mdi_tool_ask(char *const argv[], const void *input, size_t length,
		  char *answer, size_t size)
{
	(void)argv;
	(void)input;
	(void)length;
	(void)answer;
	(void)size;
	return false;
}
