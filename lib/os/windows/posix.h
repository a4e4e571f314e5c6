/* SPDX-License-Identifier: MIT */
/*
 * os/windows/posix.h - functions of the GNU C library that the C library here
 * has under other names or not at all. Each file of the library sees it first.
 */
#ifndef MDI_OS_WINDOWS_POSIX_H
#define MDI_OS_WINDOWS_POSIX_H

#define tell mdi_io_tell /* a name that the library has for its own */
#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#undef tell

/* What GCC calls for a thread-local variable: os/windows/tls.c. */
__asm__(".set __emutls_get_address, mdi_thread_local");

/* Nothing forks. */
static inline int mdi_no_fork(void (*prepare)(void), void (*parent)(void),
			      void (*child)(void))
{
	(void)prepare;
	(void)parent;
	(void)child;
	return 0;
}
#undef pthread_atfork
#define pthread_atfork mdi_no_fork

/* No program runs with more rights than who has started it. */
#define secure_getenv getenv

/* The one that returns the text. */
static inline char *mdi_strerror(int error, char *text, size_t size)
{
	return strerror_s(text, size, error) == 0 ? text : (char *)"";
}
#define strerror_r mdi_strerror

/* In words where there is no name. */
#define strerrorname_np strerror

/* The file of the program, without its directory. */
static inline const char *mdi_program_name(void)
{
	const char *path = _pgmptr, *slash = strrchr(path, '\\');

	return slash != NULL ? slash + 1 : path;
}
#define program_invocation_short_name mdi_program_name()

/* Files are bytes, and no program that is started gets them. */
#define O_CLOEXEC  (O_NOINHERIT | O_BINARY)
#define O_NOCTTY   0
#define O_NONBLOCK 0
#define O_NOFOLLOW 0

/* The descriptor is the caller's alone, so that it may seek. */
static inline int64_t mdi_pread(int fd, void *to, size_t length, int64_t at)
{
	if (_lseeki64(fd, at, SEEK_SET) != at)
		return -1;
	return _read(fd, to, length > INT32_MAX ? INT32_MAX :
						  (unsigned)length);
}
#define pread mdi_pread

/* Wine's does not say why it fails, and there is one reason only. */
static inline int mdi_fstat(int fd, struct stat *status)
{
	int saved = errno;

	errno = EBADF;
	if (fstat(fd, status) != 0)
		return -1;
	errno = saved;
	return 0;
}
#undef fstat
#define fstat mdi_fstat

/* A link has no path to be read. */
static inline int64_t mdi_readlink(const char *path, char *to, size_t size)
{
	(void)path;
	(void)to;
	(void)size;
	errno = ENOSYS;
	return -1;
}
#define readlink mdi_readlink

/* The same with the argument first. */
struct mdi_sorting {
	int (*order)(const void *a, const void *b, void *arg);
	void *arg;
};

static inline int mdi_sort_order(void *sorting, const void *a, const void *b)
{
	const struct mdi_sorting *by = sorting;

	return by->order(a, b, by->arg);
}

static inline void mdi_qsort_r(void *base, size_t count, size_t size,
			       int (*order)(const void *a, const void *b,
					    void *arg),
			       void *arg)
{
	struct mdi_sorting by = { order, arg };

	qsort_s(base, count, size, mdi_sort_order, &by);
}
#define qsort_r mdi_qsort_r

#endif /* MDI_OS_WINDOWS_POSIX_H */
