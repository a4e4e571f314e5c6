/* SPDX-License-Identifier: MIT */
/*
 * Files as memory. A view of a file can be put into a reservation without a gap
 * in time by placeholders alone (VirtualAlloc2), which this does not use: so
 * there are no shared regions of a descriptor and recordings into a file here,
 * and each is refused. Files without a name are copies in memory: views.h.
 */
#include "os/file.h"

#include "os/memory.h"
#include "os/windows/views.h"

#include <errno.h>
#include <io.h>
#include <string.h>

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
	return mdi_copy_create(length);
}

int mdi_file_create_named(const char *path, uint64_t length)
{
	(void)path;
	(void)length;
	return refuse();
}

static bool is_zero(const char *page)
{
	static const char zero[MDI_PAGE_SIZE];

	return memcmp(page, zero, MDI_PAGE_SIZE) == 0;
}

int mdi_file_save(int fd, uint64_t offset, const void *base, size_t length,
		  bool *any)
{
	struct mdi_copy_file *file = mdi_copy_of(fd);
	const char *page = base;

	if (file == NULL)
		return refuse();
	for (; length != 0; length -= MDI_PAGE_SIZE) {
		if (!is_zero(page)) {
			mdi_copy_write(file, offset, page, MDI_PAGE_SIZE);
			*any = true;
		}
		page += MDI_PAGE_SIZE;
		offset += MDI_PAGE_SIZE;
	}
	return 0;
}

int mdi_file_freeze(int fd)
{
	const struct mdi_copy_file *file = mdi_copy_of(fd);

	return file != NULL ? mdi_copy_freeze(file) : refuse();
}

void mdi_file_close(int fd)
{
	int saved = errno;

	if (!mdi_copy_close(fd))
		_close(fd);
	errno = saved;
}

void *mdi_file_map_aside(size_t length, int fd, uint64_t offset, bool shared)
{
	struct mdi_copy_file *file = shared ? NULL : mdi_copy_of(fd);

	if (file != NULL)
		return mdi_view_make(file, offset, length);
	refuse();
	return NULL;
}

int mdi_file_move(void *aside, void *base, size_t length)
{
	int result = mdi_view_move(aside, length, base);

	if (result != 0)
		mdi_mem_release(aside, length);
	return result;
}

const char *mdi_file_map(void *base, size_t length, int fd, uint64_t offset,
			 bool shared)
{
	void *aside = mdi_file_map_aside(length, fd, offset, shared);

	if (aside == NULL)
		return "MapViewOfFile3";
	return mdi_file_move(aside, base, length) != 0 ? "VirtualProtect" :
							 NULL;
}

/* Code becomes executable where it was written: mdi_mem_denies_code(). */
const char *mdi_file_map_code(void *base, size_t length, int fd)
{
	(void)base;
	(void)length;
	(void)fd;
	refuse();
	return "MapViewOfFile3";
}

void *mdi_file_map_away(size_t length, int fd, uint64_t offset)
{
	return mdi_file_map_aside(length, fd, offset, false);
}
