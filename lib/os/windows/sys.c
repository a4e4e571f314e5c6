/* SPDX-License-Identifier: MIT */
#include "os/windows/windows.h"

#include <errno.h>

int mdi_windows_failed(void)
{
	switch (GetLastError()) {
	case ERROR_NOT_ENOUGH_MEMORY:
	case ERROR_OUTOFMEMORY:
	case ERROR_COMMITMENT_LIMIT:
	case ERROR_NO_SYSTEM_RESOURCES:
	/* Wine's word for a process that has vm.max_map_count mappings. */
	case ERROR_ACCESS_DENIED:
		errno = ENOMEM;
		break;
	case ERROR_NOT_SUPPORTED:
	case ERROR_CALL_NOT_IMPLEMENTED:
		errno = ENOSYS;
		break;
	default:
		errno = EINVAL;
	}
	return -1;
}
