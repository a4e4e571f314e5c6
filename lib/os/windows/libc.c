/* SPDX-License-Identifier: MIT */
/*
 * A module's exit() or longjmp() is not seen here: it goes to the C library's
 * own, so MODISO_CAP_EXITS is missing.
 */
#include "os/libc.h"

#include "os/limits.h"
#include "os/process.h"

#include <errno.h>
#include <stdlib.h>

void mdi_abort(void)
{
	abort();
}

void mdi_libc_must_have(const void *function)
{
	(void)function;
}

void mdi_libc_exit(int status, unsigned how)
{
	if (how == MDI_EXIT_ORDERLY)
		exit(status);
	_exit(status);
}

int mdi_libc_cancel(pthread_t thread)
{
	(void)thread;
	return ENOSYS;
}

bool mdi_libc_is_asked(void)
{
	return false;
}

uint64_t mdi_libc_jump_mask(const void *jmp_buf)
{
	(void)jmp_buf;
	return 0;
}

/* What is behind errno's number, the system does not say. */
void mdi_os_why(const char *call, int error, char *text, size_t size)
{
	(void)call;
	(void)error;
	if (size != 0)
		text[0] = '\0';
}
