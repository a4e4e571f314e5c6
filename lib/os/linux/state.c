/* SPDX-License-Identifier: MIT */
#include "os/linux/state.h"

struct mdi_os_state mdi_os_state;
