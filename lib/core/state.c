/* SPDX-License-Identifier: MIT */
#include "core/state.h"

struct mdi_core_state mdi_core_state = {
	.host_frames.once = PTHREAD_ONCE_INIT,
};
