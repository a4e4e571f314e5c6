/* SPDX-License-Identifier: MIT */
/*
 * The C library's own functions, in its DLL: by their names they are those that
 * are defined for the program (front/windows/interpose.c).
 */
#include "os/libc.h"

#include "os/limits.h"
#include "os/process.h"
#include "os/windows/libc.h"
#include "os/windows/windows.h"

#include <errno.h>

#ifdef _UCRT
#define LIBRARY "ucrtbase.dll"
#else
#define LIBRARY "msvcrt.dll"
#endif

typedef void end_fn(int status);
typedef void jump_fn(void *env, int value);

/* Never none: the library is linked with that DLL. */
static void *own(const char *name)
{
	void *function = (void *)(uintptr_t)GetProcAddress(
		GetModuleHandleA(LIBRARY), name);

	mdi_libc_must_have(function);
	return function;
}

void mdi_libc_must_have(const void *function)
{
	if (function == NULL)
		mdi_os_kill();
}

void mdi_abort(void)
{
	((void (*)(void))own("abort"))();
	mdi_os_kill();
}

void mdi_libc_exit(int status, unsigned how)
{
	((end_fn *)own(how == MDI_EXIT_ORDERLY ? "exit" : "_exit"))(status);
	__builtin_unreachable();
}

void mdi_libc_jump(void *env, int value)
{
	((jump_fn *)own("longjmp"))(env, value);
	__builtin_unreachable();
}

int mdi_libc_cancel(pthread_t thread)
{
	(void)thread;
	return ENOSYS;
}

/* Does the program import that? @function is exported by this DLL. */
static bool imports(const char *base, uintptr_t function)
{
	const IMAGE_NT_HEADERS *headers = (const void *)(base +
		((const IMAGE_DOS_HEADER *)(const void *)base)->e_lfanew);
	const IMAGE_IMPORT_DESCRIPTOR *from = (const void *)(base +
		headers->OptionalHeader
			.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT]
			.VirtualAddress);

	for (; from->FirstThunk != 0; from++)
		for (const uintptr_t *at =
			     (const void *)(base + from->FirstThunk);
		     *at != 0; at++)
			if (*at == function)
				return true;
	return false;
}

/* A program with the library in itself has no other ones. */
bool mdi_libc_is_asked(void)
{
	HMODULE program = GetModuleHandleA(NULL), library = NULL;

	(void)GetModuleHandleExA(
		GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS |
			GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
		(const char *)(uintptr_t)mdi_libc_is_asked, &library);
	return library == program ||
	       imports((const char *)program,
		       (uintptr_t)GetProcAddress(library, "longjmp")) ||
	       imports((const char *)program,
		       (uintptr_t)GetProcAddress(library, "exit"));
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
