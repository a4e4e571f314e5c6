/* SPDX-License-Identifier: MIT */
/* configure has not found the headers of capstone. */
#include "core/disassemble.h"

bool mdi_disassemble(const uint8_t *bytes, size_t length, uintptr_t pc,
		     char *text, size_t size)
{
	(void)bytes;
	(void)length;
	(void)pc;
	(void)size;
	text[0] = '\0';
	return false;
}
