/* SPDX-License-Identifier: MIT */
#include "code/image_file.h"

#include "base/error.h"
#include "os/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LENGTH_MAX ((size_t)1 << 30)

static int make_room(struct mdi_image_file *file, size_t length)
{
	*file = (struct mdi_image_file){0};
	if (length == 0)
		return mdi_fail(MODISO_ERR_FORMAT,
				"the image is truncated: it has no bytes");
	if (length > LENGTH_MAX)
		return mdi_fail(MODISO_ERR_LIMIT,
				"the image has %zu bytes, at most %zu are read",
				length, LENGTH_MAX);
	if (!mdi_page_round(length, &file->room))
		return MODISO_ERR_LIMIT;
	file->bytes = mdi_mem_scratch(file->room);
	if (file->bytes == NULL)
		return mdi_fail_os("mmap", "an image of %zu bytes", length);
	file->length = length;
	return 0;
}

void mdi_image_file_close(struct mdi_image_file *file)
{
	if (file->bytes != NULL)
		mdi_mem_release(file->bytes, file->room);
	file->bytes = NULL;
}

/* A file that shrinks meanwhile is as long as it was last seen. */
static int read_all(struct mdi_image_file *file, int fd)
{
	size_t done = 0;
	ssize_t got;

	while (done < file->length) {
		got = pread(fd, file->bytes + done, file->length - done,
			    (off_t)done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return mdi_fail_os("pread", "an image of %zu bytes",
					   file->length);
		if (got == 0)
			break;
		done += (size_t)got;
	}
	file->length = done;
	return 0;
}

int mdi_image_file_read(struct mdi_image_file *file, int fd)
{
	struct stat status;
	int saved = errno, result;

	file->bytes = NULL;
	if (fstat(fd, &status) != 0)
		return mdi_fail_os("fstat", "descriptor %d", fd);
	if (!S_ISREG(status.st_mode))
		return mdi_fail(MODISO_ERR_INVAL,
				"the image is not a regular file");
	result = make_room(file, (size_t)status.st_size);
	if (result != 0)
		return result;
	result = read_all(file, fd);
	if (result != 0)
		mdi_image_file_close(file);
	else
		errno = saved;
	return result;
}

int mdi_image_file_open(struct mdi_image_file *file, const char *path)
{
	int saved = errno, fd, result;

	file->bytes = NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		errno = saved;
		return mdi_fail(MODISO_ERR_NOENT, "there is no file %s", path);
	}
	if (fd < 0)
		return mdi_fail_os("open", "%s", path);
	result = mdi_image_file_read(file, fd);
	saved = result == MODISO_ERR_OS ? errno : saved;
	close(fd);
	errno = saved;
	return result;
}

int mdi_image_file_copy(struct mdi_image_file *file, const void *bytes,
			size_t length)
{
	int result = make_room(file, length);

	if (result == 0)
		memcpy(file->bytes, bytes, length);
	return result;
}
