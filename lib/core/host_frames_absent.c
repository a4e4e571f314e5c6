/* SPDX-License-Identifier: MIT */
/* Without the compiler's unwinder: where the gate was called, no further. */
#include "core/host_frames.h"

unsigned mdi_host_frames(const struct modiso_fault *fault,
			 uintptr_t pcs[MDI_HOST_FRAMES])
{
	pcs[0] = fault->host_pc;
	return fault->host_pc != 0;
}

bool mdi_host_frames_all(unsigned count)
{
	(void)count;
	return true;
}

unsigned mdi_frames_here(uintptr_t *pcs, unsigned max)
{
	(void)pcs;
	(void)max;
	return 0;
}
