/* SPDX-License-Identifier: MIT */
/*
 * In the place of musl's mmap(), by two names: what malloc() calls gives pages
 * as they are. Zeros for a block of megabytes, which is freed and taken anew
 * for each input, would take a part of a codec's time that can be seen.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "syscall.h"

static void *map(void *at, size_t length, int protection, int flags, int fd)
{
	if (length >= PTRDIFF_MAX) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	return (void *)syscall(SYS_mmap, at, length, protection, flags, fd, 0);
}

void *__mmap(void *at, size_t length, int protection, int flags, int fd,
	     off_t offset)
{
	(void)offset; /* of a file, which none can be mapped of */
	return map(at, length, protection, flags | MODISO_AS_IT_IS, fd);
}

void *mmap(void *at, size_t length, int protection, int flags, int fd,
	   off_t offset)
{
	(void)offset;
	return map(at, length, protection, flags, fd);
}

weak_alias(mmap, mmap64);
