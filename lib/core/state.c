/* SPDX-License-Identifier: MIT */
#include "core/state.h"

struct mdi_core_state mdi_core_state = {
	.handler.cancel = PTHREAD_MUTEX_INITIALIZER,
	.host_frames.once = PTHREAD_ONCE_INIT,
};
