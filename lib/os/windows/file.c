/* SPDX-License-Identifier: MIT */
/*
 * Files as memory. A view of a file can be put into a reservation without a gap
 * in time by placeholders alone (VirtualAlloc2), which this does not use: so
 * there are no shared regions, snapshots and recordings into a file here, and
 * each is refused.
 */
#include "os/file.h"

#include <errno.h>
#include <io.h>
#include <stdio.h>

static int refuse(void)
{
	errno = ENOSYS;
	return -1;
}

const char *mdi_file_inspect(int fd, struct mdi_file *file)
{
	(void)fd;
	(void)file;
	refuse();
	return "MapViewOfFile3";
}

int mdi_file_open_shm(const char *name, bool writable)
{
	(void)name;
	(void)writable;
	return refuse();
}

int mdi_file_reopen(int fd)
{
	(void)fd;
	return refuse();
}

int mdi_file_keep_length(int fd)
{
	(void)fd;
	return refuse();
}

int mdi_file_create(const char *name, uint64_t length)
{
	(void)name;
	(void)length;
	return refuse();
}

int mdi_file_create_named(const char *path, uint64_t length)
{
	(void)path;
	(void)length;
	return refuse();
}

int mdi_file_save(int fd, uint64_t offset, const void *base, size_t length,
		  bool *any)
{
	(void)fd;
	(void)offset;
	(void)base;
	(void)length;
	(void)any;
	return refuse();
}

int mdi_file_freeze(int fd)
{
	(void)fd;
	return refuse();
}

void mdi_file_close(int fd)
{
	int saved = errno;

	_close(fd);
	errno = saved;
}

void *mdi_file_map_aside(size_t length, int fd, uint64_t offset, bool shared)
{
	(void)length;
	(void)fd;
	(void)offset;
	(void)shared;
	refuse();
	return NULL;
}

int mdi_file_move(void *aside, void *base, size_t length)
{
	(void)aside;
	(void)base;
	(void)length;
	return refuse();
}

const char *mdi_file_map(void *base, size_t length, int fd, uint64_t offset,
			 bool shared)
{
	(void)base;
	(void)length;
	(void)fd;
	(void)offset;
	(void)shared;
	refuse();
	return "MapViewOfFile3";
}

const char *mdi_file_map_code(void *base, size_t length, int fd)
{
	return mdi_file_map(base, length, fd, 0, false);
}

void *mdi_file_map_away(size_t length, int fd, uint64_t offset)
{
	return mdi_file_map_aside(length, fd, offset, false);
}
