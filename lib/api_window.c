/* SPDX-License-Identifier: MIT */
/* The exported functions of modiso/window.h. */
#include <modiso.h>

#include "core/check.h"
#include "core/window.h"

int modiso_window_open(struct modiso_region *region, uint32_t access)
{
	int result = mdi_check_region(region);

	if (result == 0)
		result = mdi_check_data_access(access);
	return result != 0 ? result : mdi_window_open(region, access);
}

int modiso_window_close(struct modiso_region *region)
{
	int result = mdi_check_region(region);

	return result != 0 ? result : mdi_window_close(region);
}
