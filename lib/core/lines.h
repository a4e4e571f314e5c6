/* SPDX-License-Identifier: MIT */
/*
 * core/lines.h - function, file and line of an instruction, from the symbol
 * table and the debugging information of its file.
 *
 * By elfutils' libdw, which is loaded when somebody wants a report, as the
 * unwinder is (core/host_frames.h): no program is linked with it, and without
 * it, or where it was not there to build with, nothing is known.
 */
#ifndef MDI_CORE_LINES_H
#define MDI_CORE_LINES_H

#include "core/report.h"

/* What was read for one report; zeroed: nothing yet. */
struct mdi_lines {
	void *session;
};

/* Can lines be had at all? */
bool mdi_lines_there(void);

/* Fills function (unless it is known), source and line, as far as it can. */
void mdi_lines_find(struct mdi_lines *lines, uintptr_t pc,
		    struct mdi_report_place *place);
void mdi_lines_end(struct mdi_lines *lines);

#endif /* MDI_CORE_LINES_H */
