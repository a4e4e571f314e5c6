/* SPDX-License-Identifier: MIT */
/*
 * windows/posix.h - what the tools ask of POSIX, and the C library there has
 * under another name or not at all. Each of their files sees it first.
 */
#ifndef MODISO_TOOLS_POSIX_H
#define MODISO_TOOLS_POSIX_H

#include <fcntl.h>
#include <io.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

/* Files are bytes. */
#define O_CLOEXEC  (O_NOINHERIT | O_BINARY)
#define O_NOCTTY   0
#define O_NONBLOCK 0

/* The descriptor is the caller's alone, so that it may seek. */
static inline int64_t tool_pread(int fd, void *to, unsigned length, int64_t at)
{
	return _lseeki64(fd, at, SEEK_SET) == at ? _read(fd, to, length) : -1;
}
#define pread tool_pread

static inline int tool_setenv(const char *name, const char *value, int replace)
{
	return replace || getenv(name) == NULL ? _putenv_s(name, value) : 0;
}
#define setenv tool_setenv

#define _SC_PAGESIZE 30
static inline long tool_sysconf(int name)
{
	return name == _SC_PAGESIZE ? 4096 : -1;
}
#define sysconf tool_sysconf

#endif /* MODISO_TOOLS_POSIX_H */
