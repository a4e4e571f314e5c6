/* SPDX-License-Identifier: MIT */
/*
 * System calls have no numbers that a program may rely on here. A module's own
 * C library is Linux's, and asks by Linux's numbers.
 */
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

/* Of Linux on x86-64, and what it is asked for with. */
enum { WRITE = 1, MMAP = 9, MUNMAP = 11 };

#define READ_WRITE        3u
#define PRIVATE_ANONYMOUS 0x22
#define AS_IT_IS	  ((uintptr_t)0x4000000) /* MAP_UNINITIALIZED */

static bool is_plain_memory(const uintptr_t args[])
{
	return args[0] == 0 && args[1] != 0 &&
	       (args[2] & ~(uintptr_t)READ_WRITE) == 0 &&
	       (args[3] & ~AS_IT_IS) == PRIVATE_ANONYMOUS;
}

enum mdi_call_wish mdi_call_wish(uint32_t number, const uintptr_t args[])
{
	switch (number) {
	case MMAP:
		if (!is_plain_memory(args))
			return MDI_CALL_WISH_NONE;
		return args[3] & AS_IT_IS ? MDI_CALL_WISH_PAGES_AS_THEY_ARE :
					    MDI_CALL_WISH_PAGES;
	case MUNMAP:
		return MDI_CALL_WISH_FEWER;
	case WRITE:
		return args[0] == 1 || args[0] == 2 ? MDI_CALL_WISH_TEXT :
						      MDI_CALL_WISH_NONE;
	default:
		return MDI_CALL_WISH_NONE;
	}
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
