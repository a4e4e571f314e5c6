/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "files.h"

#include <modiso.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OPEN 16 /* descriptors below this one are a module's at most */

static bool opened[OPEN];

/* The address is the module's: it is only handed to what looks at it. */
static void *place(uintptr_t address)
{
	return (void *)address; /* NOLINT(performance-no-int-to-ptr) */
}

static intptr_t open_file(const struct modiso_syscall *call, void *directory)
{
	char path[4096];
	size_t length;
	int file;

	if (modiso_strnlen(call->module, place(call->args[0]), sizeof(path) - 1,
			   &length) != MODISO_OK ||
	    modiso_copy_in(call->module, path, place(call->args[0]), length) !=
		    MODISO_OK)
		return -EFAULT;
	path[length] = '\0';
	if ((call->args[1] & O_ACCMODE) != O_RDONLY ||
	    strncmp(path, directory, strlen(directory)) != 0 ||
	    strstr(path, "/../") != NULL)
		return -EACCES;
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return -errno;
	if (file >= OPEN) {
		close(file);
		return -EMFILE;
	}
	opened[file] = true;
	return file;
}

static intptr_t close_file(const struct modiso_syscall *call, void *arg)
{
	(void)arg;
	if (call->args[0] >= OPEN || !opened[call->args[0]])
		return -EBADF;
	opened[call->args[0]] = false;
	return close((int)call->args[0]);
}

/* Less than was asked for is allowed. */
static intptr_t read_file(const struct modiso_syscall *call, void *arg)
{
	static char buffer[65536];
	size_t length = call->args[2];
	ssize_t count;

	(void)arg;
	if (call->args[0] >= OPEN || !opened[call->args[0]])
		return -EBADF;
	if (length > sizeof(buffer))
		length = sizeof(buffer);
	count = read((int)call->args[0], buffer, length);
	if (count < 0)
		return -errno;
	if (modiso_copy_out(call->module, place(call->args[1]), buffer,
			    (size_t)count) != MODISO_OK)
		return -EFAULT;
	return count;
}

int files_allow(struct modiso_module *module, const char *directory)
{
	int code = modiso_syscall_callback(module, MODISO_ARCH_LIBC, SYS_open,
					   open_file, (void *)directory);

	if (code == MODISO_OK)
		code = modiso_syscall_callback(module, MODISO_ARCH_LIBC,
					       SYS_close, close_file, NULL);
	if (code == MODISO_OK)
		code = modiso_syscall_callback(module, MODISO_ARCH_LIBC,
					       SYS_read, read_file, NULL);
	return code;
}
