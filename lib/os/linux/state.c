/* SPDX-License-Identifier: MIT */
#include "os/linux/state.h"

#include "os/here.h"

MDI_TLS struct mdi_here mdi_here = { MDI_UNATTACHED, MDI_UNATTACHED };
struct mdi_os_state mdi_os_state;
struct mdi_libc_state mdi_libc_state;
