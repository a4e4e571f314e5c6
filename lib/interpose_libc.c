/* SPDX-License-Identifier: MIT */
/*
 * What os/libc.h says, twice: for the shared library, whose objects libtool
 * compiles with PIC defined, and for the static one.
 */
#include "os/libc.h"

#include <modiso/export.h>

#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef PIC

#include "base/misuse.h"

MODISO_API void exit(int status) __attribute__((noreturn));
MODISO_API void quick_exit(int status) __attribute__((noreturn));
MODISO_API void _exit(int status) __attribute__((noreturn));
MODISO_API void _Exit(int status) __attribute__((noreturn));
MODISO_API int pthread_cancel(pthread_t thread);

static struct {
	void (*end[3])(int status);
	int (*cancel)(pthread_t thread);
} next;

/* Before main(), so that no lock of the loader's is wanted later. */
__attribute__((constructor)) static void find_next(void)
{
	next.end[MDI_EXIT_ORDERLY] =
		(void (*)(int))dlsym(RTLD_NEXT, "exit");
	next.end[MDI_EXIT_QUICK] =
		(void (*)(int))dlsym(RTLD_NEXT, "quick_exit");
	next.end[MDI_EXIT_AT_ONCE] =
		(void (*)(int))dlsym(RTLD_NEXT, "_exit");
	next.cancel = (int (*)(pthread_t))dlsym(RTLD_NEXT, "pthread_cancel");
	if (next.end[MDI_EXIT_ORDERLY] == NULL ||
	    next.end[MDI_EXIT_QUICK] == NULL ||
	    next.end[MDI_EXIT_AT_ONCE] == NULL || next.cancel == NULL)
		mdi_misuse("the program has no shared C library with exit(), "
			   "quick_exit(), _exit() and pthread_cancel()");
}

void mdi_libc_exit(int status, unsigned how)
{
	if (next.cancel == NULL)
		find_next(); /* from a constructor that ran before ours */
	next.end[how < MDI_COUNT(next.end) ? how : MDI_EXIT_ORDERLY](status);
	__builtin_unreachable();
}

int mdi_libc_cancel(pthread_t thread)
{
	if (next.cancel == NULL)
		find_next();
	return next.cancel(thread);
}

void exit(int status)
{
	mdi_libc_before_exit(status, MDI_EXIT_ORDERLY);
	mdi_libc_exit(status, MDI_EXIT_ORDERLY);
}

void quick_exit(int status)
{
	mdi_libc_before_exit(status, MDI_EXIT_QUICK);
	mdi_libc_exit(status, MDI_EXIT_QUICK);
}

void _exit(int status)
{
	mdi_libc_before_exit(status, MDI_EXIT_AT_ONCE);
	mdi_libc_exit(status, MDI_EXIT_AT_ONCE);
}

void _Exit(int status)
{
	_exit(status);
}

int pthread_cancel(pthread_t thread)
{
	mdi_libc_before_cancel();
	return mdi_libc_cancel(thread);
}

#else

void mdi_libc_exit(int status, unsigned how)
{
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
	return pthread_cancel(thread);
}

#endif
