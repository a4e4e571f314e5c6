/* SPDX-License-Identifier: MIT */
/* perf(1) is a tool of Linux. */
#include "code/image_debug.h"

#include "base/error.h"

#include <errno.h>

int mdi_image_perf_add(struct modiso_image *image)
{
	(void)image;
	errno = ENOSYS;
	return mdi_fail_os("open", "a map for perf, which is a tool of Linux");
}
