/* SPDX-License-Identifier: MIT */
/*
 * Names that only glibc has, for libraries that were compiled against its
 * headers, archives and shared ones: what -D_FORTIFY_SOURCE makes of calls. A
 * size that is too small is the module's fault, as abort() is, and so is a
 * stack protector's word that was changed.
 */
#define _GNU_SOURCE /* vasprintf(), explicit_bzero() */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t within(size_t need, size_t room)
{
	if (need > room)
		abort();
	return need;
}

/* --- memory and strings --- */

void *__memcpy_chk(void *to, const void *from, size_t n, size_t room)
{
	return memcpy(to, from, within(n, room));
}

void *__memmove_chk(void *to, const void *from, size_t n, size_t room)
{
	return memmove(to, from, within(n, room));
}

void *__memset_chk(void *to, int byte, size_t n, size_t room)
{
	return memset(to, byte, within(n, room));
}

char *__strcpy_chk(char *to, const char *from, size_t room)
{
	within(strlen(from) + 1, room);
	return strcpy(to, from);
}

char *__stpcpy_chk(char *to, const char *from, size_t room)
{
	within(strlen(from) + 1, room);
	return stpcpy(to, from);
}

char *__strncpy_chk(char *to, const char *from, size_t n, size_t room)
{
	return strncpy(to, from, within(n, room));
}

char *__strcat_chk(char *to, const char *from, size_t room)
{
	within(strlen(to) + strlen(from) + 1, room);
	return strcat(to, from);
}

char *__strncat_chk(char *to, const char *from, size_t n, size_t room)
{
	within(strlen(to) + strnlen(from, n) + 1, room);
	return strncat(to, from, n);
}

void __explicit_bzero_chk(void *to, size_t n, size_t room)
{
	explicit_bzero(to, within(n, room));
}

/* --- text --- */

int __vsnprintf_chk(char *to, size_t n, int flag, size_t room,
		    const char *format, va_list args)
{
	(void)flag;
	return vsnprintf(to, within(n, room), format, args);
}

int __snprintf_chk(char *to, size_t n, int flag, size_t room,
		   const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = __vsnprintf_chk(to, n, flag, room, format, args);
	va_end(args);
	return length;
}

int __vsprintf_chk(char *to, int flag, size_t room, const char *format,
		   va_list args)
{
	int length = vsnprintf(to, room, format, args);

	(void)flag;
	if (length >= 0)
		within((size_t)length + 1, room);
	return length;
}

int __sprintf_chk(char *to, int flag, size_t room, const char *format,
		  ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = __vsprintf_chk(to, flag, room, format, args);
	va_end(args);
	return length;
}

int __vfprintf_chk(FILE *file, int flag, const char *format,
		   va_list args)
{
	(void)flag;
	return vfprintf(file, format, args);
}

int __fprintf_chk(FILE *file, int flag, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = __vfprintf_chk(file, flag, format, args);
	va_end(args);
	return length;
}

int __vprintf_chk(int flag, const char *format, va_list args)
{
	return __vfprintf_chk(stdout, flag, format, args);
}

int __printf_chk(int flag, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = __vfprintf_chk(stdout, flag, format, args);
	va_end(args);
	return length;
}

int __vasprintf_chk(char **out, int flag, const char *format, va_list args)
{
	(void)flag;
	return vasprintf(out, format, args);
}

int __asprintf_chk(char **out, int flag, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = __vasprintf_chk(out, flag, format, args);
	va_end(args);
	return length;
}

/* --- files --- */

size_t __fread_chk(void *to, size_t room, size_t size, size_t n,
		   FILE *file)
{
	if (size != 0 && n > room / size)
		abort();
	return fread(to, size, n, file);
}

char *__fgets_chk(char *to, size_t room, int n, FILE *file)
{
	if (n > 0)
		within((size_t)n, room);
	return fgets(to, n, file);
}

ssize_t __read_chk(int fd, void *to, size_t n, size_t room)
{
	return read(fd, to, within(n, room));
}

/* --- jumps --- */

/* musl's jump buffer is as large as glibc's, and has all that it needs. */
_Static_assert(sizeof(jmp_buf) == 200, "the room that glibc's headers make");

_Noreturn void __longjmp_chk(jmp_buf buffer, int value)
{
	longjmp(buffer, value);
}

/* Modules have one already (runtime/guard.c), libc.so.6 has this. */
__attribute__((__weak__)) _Noreturn void __stack_chk_fail(void)
{
	__builtin_trap();
}
