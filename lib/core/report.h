/* SPDX-License-Identifier: MIT */
/*
 * core/report.h - where an instruction is, for reports.
 */
#ifndef MDI_CORE_REPORT_H
#define MDI_CORE_REPORT_H

#include "base/common.h"

/* Function + offset, and file + offset; an empty name: not known. */
struct mdi_report_place {
	char file[256];
	uintptr_t file_offset;
	char function[128];
	uintptr_t function_offset;
	bool left_out; /* of the module, by the loader: MODISO_IMAGE_HEADERS */
};

#endif /* MDI_CORE_REPORT_H */
