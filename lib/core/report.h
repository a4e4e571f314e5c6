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

/*
 * Asked first, when it is not NULL: does an image hold the address? Set by the
 * layer that knows images, which is above this one. Takes the library's lock.
 */
extern bool (*mdi_report_image)(uintptr_t address,
				struct mdi_report_place *place);

#endif /* MDI_CORE_REPORT_H */
