/* SPDX-License-Identifier: MIT */
/*
 * What the C library asks the kernel for. What has an answer in the module gets
 * it here; the rest goes to the host's one service, modiso_syscall(), whose
 * policy is the host's (modiso_syscall_set()).
 */
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "futex.h"
#include "syscall.h"

#define FUTEX_COMMAND 127

hidden void __modiso_tell(void);

/* The host's: an error as a negative number. */
__attribute__((visibility("default"))) long
modiso_syscall(long number, long a, long b, long c, long d, long e);

/* Pieces of readv(2) and writev(2), one after the other. */
static long pieces(long number, long fd, const struct iovec *piece, long count)
{
	long result, done = 0;

	for (; count > 0; count--, piece++) {
		if (piece->iov_len == 0)
			continue;
		result = __modiso_syscall(number, fd, (long)piece->iov_base,
					  (long)piece->iov_len, 0, 0);
		if (result < 0)
			return done > 0 ? done : result;
		done += result;
		if ((size_t)result < piece->iov_len)
			break;
	}
	return done;
}

/* --- text --- */

/* Of standard output and standard error: the host hears whole lines. */
static struct {
	char text[1024];
	size_t used;
} line[2];

static void tell(int stream)
{
	if (line[stream - 1].used != 0)
		modiso_syscall(SYS_write, stream, (long)line[stream - 1].text,
			       (long)line[stream - 1].used, 0, 0);
	line[stream - 1].used = 0;
}

static long add(int stream, const char *text, long length)
{
	for (long i = 0; i < length; i++) {
		line[stream - 1].text[line[stream - 1].used++] = text[i];
		if (text[i] == '\n' ||
		    line[stream - 1].used == sizeof(line[0].text))
			tell(stream);
	}
	return length;
}

/* What has no end of a line yet: there comes no more. */
void __modiso_tell(void)
{
	tell(1);
	tell(2);
}

static long map(long length, long flags, long fd)
{
	if (!(flags & MAP_ANONYMOUS) || fd != -1)
		return -ENODEV;
	if (flags & MAP_FIXED)
		return -EINVAL;
	return modiso_syscall(SYS_mmap, 0, length, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS |
				      (flags & MODISO_AS_IT_IS), -1);
}

/* For a thread that there is not. Without an end it would be for ever. */
static long wait_and_wake(long operation, long word, long value, long timeout)
{
	if ((operation & FUTEX_COMMAND) != FUTEX_WAIT)
		return 0;
	if (*(volatile int *)word != (int)value)
		return -EAGAIN;
	if (timeout == 0)
		__builtin_trap();
	modiso_syscall(SYS_nanosleep, timeout, 0, 0, 0, 0);
	return -ETIMEDOUT;
}

long __modiso_syscall(long number, long a, long b, long c, long d, long e)
{
	switch (number) {
	case SYS_readv:
		return pieces(SYS_read, a, (const void *)b, c);
	case SYS_writev:
		return pieces(SYS_write, a, (const void *)b, c);
	case SYS_mmap:
		return map(b, d, e);
	case SYS_write:
		if (a != 1 && a != 2)
			break;
		return add((int)a, (const char *)b, c);
	/* All memory is the heap's, with the heap's protection. */
	case SYS_mprotect:
	case SYS_madvise:
		return 0;
	case SYS_brk:
		return 0; /* it stays where it is: mmap is used instead */
	/* A module has no signals of its own. */
	case SYS_rt_sigprocmask:
		return 0;
	case SYS_futex:
		return wait_and_wake(b, a, c, d);
	/* Standard output is told line by line, as to a terminal. */
	case SYS_ioctl:
		return a == 1 && b == TIOCGWINSZ ? 0 : -ENOTTY;
	/* A call into the module cannot end but by returning, or a fault. */
	case SYS_exit:
	case SYS_exit_group:
		__modiso_tell();
		__builtin_trap();
	default:
		break;
	}
	return modiso_syscall(number, a, b, c, d, e);
}
