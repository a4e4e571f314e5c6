/* SPDX-License-Identifier: MIT */
/*
 * interpose.h - the functions of the C library that the library stands for.
 */
#ifndef MDI_INTERPOSE_H
#define MDI_INTERPOSE_H

/*
 * Does nothing; who calls it has sigaction() and signal() linked in from the
 * archive as well, even where a sanitizer's library offers them first.
 */
void mdi_interpose(void);

#endif /* MDI_INTERPOSE_H */
