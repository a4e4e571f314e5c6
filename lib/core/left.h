/* SPDX-License-Identifier: MIT */
/*
 * core/left.h - what the program has left when it ends the library.
 */
#ifndef MDI_CORE_LEFT_H
#define MDI_CORE_LEFT_H

/* 0, or MODISO_ERR_BUSY with the names. The library's lock is held. */
int mdi_left_check(void);

#endif /* MDI_CORE_LEFT_H */
