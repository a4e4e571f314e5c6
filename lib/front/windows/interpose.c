/* SPDX-License-Identifier: MIT */
/*
 * What is defined for the program as os/libc.h says. The linker takes these in
 * place of those that it would import from the C library's DLL, since a program
 * names -lmodiso before the C library: so there is a next one to go on with in
 * a static program as well.
 *
 * What is reached by another way is not seen: the system's own functions
 * (ExitProcess, ExitThread), and what the C library's DLL calls within itself.
 */
#include "front/front.h"

#include "core/door.h"
#include "core/jump.h"
#include "os/libc.h"
#include "os/windows/libc.h"

MODISO_API void exit(int status) __attribute__((noreturn));
MODISO_API void _exit(int status) __attribute__((noreturn));
MODISO_API void _Exit(int status) __attribute__((noreturn));
MODISO_API void abort(void) __attribute__((noreturn));

/* A name of our own: the header has other ideas of it. */
MODISO_API void mdi_longjmp(void *env, int value)
	__asm__("longjmp") __attribute__((noreturn));

void exit(int status)
{
	mdi_door_before_exit(status, MDI_EXIT_ORDERLY);
	mdi_libc_exit(status, MDI_EXIT_ORDERLY);
}

void _exit(int status)
{
	mdi_door_before_exit(status, MDI_EXIT_AT_ONCE);
	mdi_libc_exit(status, MDI_EXIT_AT_ONCE);
}

void _Exit(int status)
{
	_exit(status);
}

void abort(void)
{
	mdi_door_before_abort();
	mdi_abort();
}

void mdi_longjmp(void *env, int value)
{
	(void)mdi_jump_begins(env);
	mdi_libc_jump(env, value);
}

/* The header says that it is imported: callers go by this pointer. */
extern void (*const __imp_longjmp)(void *env, int value);
void (*const __imp_longjmp)(void *env, int value) = mdi_longjmp;

void mdi_interpose(void)
{
}
