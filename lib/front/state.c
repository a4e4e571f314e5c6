/* SPDX-License-Identifier: MIT */
#include "front/state.h"

struct mdi_front_state mdi_front_state;
