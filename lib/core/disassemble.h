/* SPDX-License-Identifier: MIT */
/*
 * core/disassemble.h - an instruction in words, for a report.
 *
 * By capstone, which is loaded when somebody wants a report, as libdw is
 * (core/lines.h). Without it, or where its headers were not there to build
 * with, by objdump, in a process that the environment has asked for reports
 * (base/settings.h): no other one gets a child process that it does not know
 * of. Where there are no words the report has the objdump command.
 */
#ifndef MDI_CORE_DISASSEMBLE_H
#define MDI_CORE_DISASSEMBLE_H

#include "base/common.h"

/* As the GNU tools write it. False: not known, and @text is "". */
bool mdi_disassemble(const uint8_t *bytes, size_t length, uintptr_t pc,
		     char *text, size_t size);
/* The same by objdump, which is started for it. */
bool mdi_disassemble_objdump(const uint8_t *bytes, size_t length, uintptr_t pc,
			     char *text, size_t size);

#endif /* MDI_CORE_DISASSEMBLE_H */
