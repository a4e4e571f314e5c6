/* SPDX-License-Identifier: MIT */
/* No path is kept to a directory there; modules get no files. */
#include "os/beneath.h"

#include <errno.h>

int mdi_file_call(uint32_t number, const uintptr_t args[MDI_CALL_ARGS],
		  struct mdi_file_call *call)
{
	(void)number;
	(void)args;
	call->wish = MDI_FILE_NONE;
	return 0;
}

int mdi_beneath(const char *directory)
{
	(void)directory;
	return -ENOSYS;
}

int mdi_beneath_open(int directory, const char *path,
		     const struct mdi_file_call *call)
{
	(void)directory;
	(void)path;
	(void)call;
	return -ENOSYS;
}

void mdi_beneath_close(int descriptor)
{
	(void)descriptor;
}
