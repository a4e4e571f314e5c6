/* SPDX-License-Identifier: MIT */
/*
 * front/front.h - the layer in front of the program: core/front.h says what
 * core wants of it.
 */
#ifndef MDI_FRONT_FRONT_H
#define MDI_FRONT_FRONT_H

#include "core/front.h"

extern const struct mdi_front mdi_front;

#endif /* MDI_FRONT_FRONT_H */
