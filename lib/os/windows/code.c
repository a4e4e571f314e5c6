/* SPDX-License-Identifier: MIT */
/* The host's code stays as it is: what would change it is refused. */
#include "os/code.h"

#include "os/open.h"

#include <errno.h>

const char *mdi_code_change(uintptr_t at, const void *bytes, size_t length)
{
	(void)at;
	(void)bytes;
	(void)length;
	errno = ENOSYS;
	return "VirtualProtect";
}

void *mdi_code_near(uintptr_t at)
{
	(void)at;
	errno = ENOSYS;
	return NULL;
}

int mdi_code_seal(void *base, size_t length)
{
	(void)base;
	(void)length;
	errno = ENOSYS;
	return -1;
}

uint64_t mdi_code_loads(void)
{
	return 0;
}

/* --- rings of a kernel: there are none --- */

int mdi_open_rings(void (*visit)(uint32_t descriptor, void *arg), void *arg)
{
	(void)visit;
	(void)arg;
	return 0;
}

int mdi_open_pollers(void (*visit)(uint32_t tid, void *arg), void *arg)
{
	(void)visit;
	(void)arg;
	return 0;
}
