/* SPDX-License-Identifier: MIT */
#include "os/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define OPENAT2    437     /* headers may be older */
#define LARGE_FILE 0100000 /* the kernel's, where libc's is 0 */
#define HARMLESS \
	(O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | LARGE_FILE)
#define TRIES 8 /* while others rename what is on the way */

/* --- what is asked for --- */

static int as_open(uintptr_t path, uintptr_t flags, struct mdi_file_call *call)
{
	if (flags & ~(uintptr_t)HARMLESS)
		return -EROFS;
	call->wish = MDI_FILE_OPEN;
	call->path = path;
	call->flags = (uint32_t)flags & O_NOFOLLOW;
	return 0;
}

static int as_look(uintptr_t path, uintptr_t status, uintptr_t flags,
		   struct mdi_file_call *call)
{
	if (flags & ~(uintptr_t)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT))
		return -EINVAL;
	call->wish = MDI_FILE_LOOK;
	call->number = SYS_fstat;
	call->path = path;
	call->flags = flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0;
	call->args[1] = status;
	return 0;
}

static int at(uintptr_t directory)
{
	return (int)directory == AT_FDCWD ? 0 : -EBADF;
}

int mdi_file_call(uint32_t number, const uintptr_t args[MDI_CALL_ARGS],
		  struct mdi_file_call *call)
{
	int error;

	*call = (struct mdi_file_call){.number = number};
	memcpy(call->args, args, sizeof(call->args));
	switch (number) {
	case SYS_open:
		return as_open(args[0], args[1], call);
	case SYS_openat:
		error = at(args[0]);
		return error != 0 ? error : as_open(args[1], args[2], call);
	case SYS_stat:
		return as_look(args[0], args[1], 0, call);
	case SYS_lstat:
		return as_look(args[0], args[1], AT_SYMLINK_NOFOLLOW, call);
	case SYS_newfstatat:
		error = at(args[0]);
		return error != 0 ? error :
				    as_look(args[1], args[2], args[3], call);
	case SYS_read:
	case SYS_pread64:
	case SYS_lseek:
	case SYS_fstat:
		call->wish = MDI_FILE_USE;
		return 0;
	case SYS_close:
		call->wish = MDI_FILE_CLOSE;
		return 0;
	default:
		return 0;
	}
}

/* --- files --- */

static int open_beneath(int directory, const char *path, uint64_t flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long result;
	int tries = TRIES;

	do
		result = syscall(OPENAT2, directory, path, &how, sizeof(how));
	while (result < 0 && errno == EAGAIN && --tries > 0);
	return result < 0 ? -errno : (int)result;
}

int mdi_beneath(const char *directory)
{
	int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC), probe;

	if (fd < 0)
		return -errno;
	probe = open_beneath(fd, ".", O_PATH);
	close(probe < 0 ? fd : probe);
	return probe < 0 ? probe : fd;
}

/*
 * The descriptor, if it is of a regular file; else it is closed. One of /proc
 * can be this process's memory, which is not asked for keys.
 */
static int if_file(int fd)
{
	struct stat status = {.st_mode = 0};
	struct statfs system;

	if (fd < 0)
		return fd;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	    fstatfs(fd, &system) == 0 && system.f_type != PROC_SUPER_MAGIC)
		return fd;
	close(fd);
	return S_ISLNK(status.st_mode) ? -ELOOP : -EACCES;
}

int mdi_beneath_open(int directory, const char *path,
		     const struct mdi_file_call *call)
{
	int look = open_beneath(directory, path, O_PATH | call->flags);

	if (call->wish == MDI_FILE_LOOK)
		return look;
	/* To open a device or a pipe is to do something with it. */
	look = if_file(look);
	if (look < 0)
		return look;
	close(look);
	/* By now it may be another one: it neither waits nor is a terminal. */
	return if_file(open_beneath(directory, path,
				    O_RDONLY | O_NONBLOCK | O_NOCTTY |
					    call->flags));
}

void mdi_beneath_close(int descriptor)
{
	close(descriptor);
}
