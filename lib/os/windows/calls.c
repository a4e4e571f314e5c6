/* SPDX-License-Identifier: MIT */
/* System calls have no numbers that a program may rely on here. */
#include "os/calls.h"
#include "os/dispatch.h"

#include <errno.h>
#include <stdio.h>

const struct mdi_call_shape *mdi_call_shape(uint32_t number)
{
	(void)number;
	return NULL;
}

const char *mdi_call_why_not(uint32_t number)
{
	(void)number;
	return "system calls of Windows have no fixed numbers";
}

int mdi_call_check(uint32_t number, uintptr_t args[MDI_CALL_ARGS])
{
	(void)number;
	(void)args;
	return -ENOSYS;
}

intptr_t mdi_call_make(uint32_t number, const uintptr_t args[MDI_CALL_ARGS])
{
	(void)number;
	(void)args;
	return -ENOSYS;
}

enum mdi_call_wish mdi_call_wish(uint32_t number, const uintptr_t args[])
{
	(void)number;
	(void)args;
	return MDI_CALL_WISH_NONE;
}

bool mdi_call_arch_known(uint32_t arch)
{
	(void)arch;
	return false;
}

uint32_t mdi_call_arch_own(void)
{
	return 0;
}

/* --- they are not brought to the library either --- */

int mdi_dispatch_on(const uint8_t *selector)
{
	(void)selector;
	errno = ENOSYS;
	return -1;
}

void mdi_dispatch_off(void)
{
}

bool mdi_dispatch_works(void)
{
	return false;
}

void mdi_dispatch_why_not(char *text, size_t size)
{
	snprintf(text, size, "Windows has no Syscall User Dispatch");
}
