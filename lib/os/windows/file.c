/* SPDX-License-Identifier: MIT */
/*
 * Files as memory. A view of a file can be put into a reservation without a gap
 * in time by placeholders alone (VirtualAlloc2), which this does not use: so
 * shared memory lies apart, and there are no recordings into a file. A
 * descriptor of the C library's is no memory either. Files without a name are
 * copies in memory: views.h.
 */
#include "os/file.h"

#include "os/memory.h"
#include "os/windows/views.h"
#include "os/windows/windows.h"

#include <errno.h>
#include <string.h>

static int refuse(void)
{
	errno = ENOSYS;
	return -1;
}

/* The system tells how long a section is by a view of all of it. */
const char *mdi_file_inspect(int fd, struct mdi_file *file)
{
	MEMORY_BASIC_INFORMATION piece;
	bool writable = false;
	void *section = mdi_section_of(fd, &writable), *view;
	size_t got;

	if (section == NULL) {
		refuse();
		return "MapViewOfFile";
	}
	view = MapViewOfFile(section, FILE_MAP_READ, 0, 0, 0);
	if (view == NULL) {
		(void)mdi_windows_failed();
		return "MapViewOfFile";
	}
	got = VirtualQuery(view, &piece, sizeof(piece));
	UnmapViewOfFile(view);
	if (got == 0) {
		(void)mdi_windows_failed();
		return "VirtualQuery";
	}
	*file = (struct mdi_file){
		.regular = true,
		.readable = true,
		.writable = writable,
		.length = piece.RegionSize,
		.page_size = MDI_PAGE_SIZE,
	};
	return NULL;
}

static int not_opened(void)
{
	switch (GetLastError()) {
	case ERROR_FILE_NOT_FOUND:
		errno = ENOENT;
		return -1;
	case ERROR_ACCESS_DENIED:
		errno = EACCES;
		return -1;
	case ERROR_INVALID_NAME:
	case ERROR_INVALID_HANDLE: /* the name of something else */
	case ERROR_PATH_NOT_FOUND:
		errno = EINVAL;
		return -1;
	default:
		return mdi_windows_failed();
	}
}

/* The slash in front, as POSIX wants it, is no part of a name here. */
int mdi_file_open_shm(const char *name, bool writable)
{
	DWORD how = writable ? FILE_MAP_READ | FILE_MAP_WRITE : FILE_MAP_READ;
	HANDLE section = OpenFileMappingA(how, FALSE, name + (*name == '/'));
	int fd;

	if (section == NULL)
		return not_opened();
	fd = mdi_section_open(section, writable);
	if (fd < 0)
		CloseHandle(section);
	return fd;
}

bool mdi_file_apart(void)
{
	return true;
}

/* A view begins at a multiple of this, in the section too. */
#define GRANULARITY ((uint64_t)65536)

char *mdi_file_map_apart(size_t length, int fd, uint64_t offset, bool writable,
			 const char **call)
{
	size_t before = (size_t)(offset % GRANULARITY);
	uint64_t from = offset - before;
	bool may_write = false;
	void *section = mdi_section_of(fd, &may_write);
	char *view;

	*call = "MapViewOfFile";
	if (section == NULL) {
		refuse();
		return NULL;
	}
	view = MapViewOfFile(section,
			     writable ? FILE_MAP_READ | FILE_MAP_WRITE :
					FILE_MAP_READ,
			     (DWORD)(from >> 32), (DWORD)from, before + length);
	if (view == NULL) {
		(void)mdi_windows_failed();
		return NULL;
	}
	/* What comes before is nobody's. */
	if (before != 0 &&
	    mdi_mem_protect(view, before, MDI_PROT_NONE) != 0) {
		UnmapViewOfFile(view);
		*call = "VirtualProtect";
		return NULL;
	}
	*call = NULL;
	return view + before;
}

/* For sealed files; a section has no seals. */
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

	mdi_number_close(fd);
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
