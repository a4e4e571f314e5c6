/* SPDX-License-Identifier: MIT */
#include "os/linux/state.h"

struct mdi_os_state mdi_os_state = {
	.cpu.once = PTHREAD_ONCE_INIT,
};
