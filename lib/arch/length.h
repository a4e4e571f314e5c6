/* SPDX-License-Identifier: MIT */
/*
 * arch/length.h - where one instruction ends and the next begins.
 */
#ifndef MDI_ARCH_LENGTH_H
#define MDI_ARCH_LENGTH_H

#include "base/common.h"

#define MDI_CODE_LENGTH_MAX 15u

/*
 * Of the instruction that begins there, of which at most @room bytes may be
 * looked at. 0: it is none, or one that is not known, or it is longer.
 */
size_t mdi_code_length(const uint8_t *bytes, size_t room);

#endif /* MDI_ARCH_LENGTH_H */
