/* SPDX-License-Identifier: MIT */
#include "backend/state.h"

struct mdi_backend_state mdi_backend_state;
union mdi_open_page_state mdi_open;
