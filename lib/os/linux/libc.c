/* SPDX-License-Identifier: MIT */
/*
 * The C library's own functions: behind those that are defined for the program,
 * where there are such (interpose_libc.c), else by their names.
 */
#include "os/libc.h"

#include "os/linux/state.h"
#include "os/misuse.h"
#include "os/process.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct mdi_libc_state *const next = &mdi_libc_state;

void mdi_libc_must_have(const void *function)
{
	if (function == NULL)
		mdi_misuse("a function that ends threads or processes is not "
			   "in the program's C library, or hidden behind this "
			   "one; link the program with -lmodiso");
}

void mdi_abort(void)
{
	if (!next->found)
		abort();
	if (next->abort != NULL)
		next->abort();
	mdi_os_kill(); /* it leads back here, or is not to be found */
}

/* The one that is wanted now; by its name it would be the program's. */
#define NEXT(member)                                                         \
	(mdi_libc_must_have((void *)(uintptr_t)next->member), next->member)

void mdi_libc_exit(int status, unsigned how)
{
	if (how >= MDI_COUNT(next->end))
		how = MDI_EXIT_ORDERLY;
	if (next->found)
		NEXT(end[how])(status);
	switch (how) {
	case MDI_EXIT_AT_ONCE:
		_exit(status);
	case MDI_EXIT_QUICK:
		quick_exit(status);
	default:
		exit(status);
	}
}

int mdi_libc_cancel(pthread_t thread)
{
	return next->found ? NEXT(cancel)(thread) : pthread_cancel(thread);
}

uint64_t mdi_libc_jump_mask(const void *jmp_buf)
{
	const struct __jmp_buf_tag *to = jmp_buf;
	uint64_t mask = 0;

	if (to->__mask_was_saved)
		memcpy(&mask, &to->__saved_mask, sizeof(mask));
	return mask;
}

bool mdi_libc_is_asked(void)
{
	return next->found && next->called;
}
