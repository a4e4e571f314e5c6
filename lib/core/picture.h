/* SPDX-License-Identifier: MIT */
/*
 * core/picture.h - pictures that the environment asks for: picture=PATH in
 * MODISO_OPTIONS. Each is what modiso_report_dot() writes, in a file.
 *
 * Both take the library's lock, and do nothing if no picture is asked for.
 */
#ifndef MDI_CORE_PICTURE_H
#define MDI_CORE_PICTURE_H

#include <stdint.h>

/* As it is at the fault of this number, in a file of its own. */
void mdi_picture_fault(uint64_t number);

/*
 * Modules are about to go: one of them, or all with the library or the process.
 * The file of the process has those times when there were most of them.
 */
void mdi_picture_last(void);

#endif /* MDI_CORE_PICTURE_H */
