/* SPDX-License-Identifier: MIT */
#include "state.h"

struct mdi_top_state mdi_top_state;
