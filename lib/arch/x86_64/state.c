/* SPDX-License-Identifier: MIT */
#include "arch/x86_64/frame.h"

struct mdi_arch_state mdi_arch_state = { .cpu_once = PTHREAD_ONCE_INIT };
struct mdi_arrivals mdi_arrivals;

MDI_TLS uint64_t mdi_fault_counter;
