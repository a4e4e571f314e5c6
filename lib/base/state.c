/* SPDX-License-Identifier: MIT */
#include "base/state.h"

struct mdi_base_state mdi_base_state;
