/* SPDX-License-Identifier: MIT */
/* configure has not found the headers of elfutils' libdw. */
#include "core/lines.h"

bool mdi_lines_there(void)
{
	return false;
}

void mdi_lines_find(struct mdi_lines *lines, uintptr_t pc,
		    struct mdi_report_place *place)
{
	(void)lines;
	(void)pc;
	(void)place;
}

void mdi_lines_end(struct mdi_lines *lines)
{
	(void)lines;
}
