/* SPDX-License-Identifier: MIT */
#include "os/windows/state.h"

struct mdi_os_state mdi_os_state;
