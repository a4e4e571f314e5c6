/* SPDX-License-Identifier: MIT */
#include "code/image_file.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define LENGTH_MAX ((uint64_t)1 << 30)

static int check_length(const struct mdi_scan_source *source)
{
	if (source->size == 0)
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s is truncated: it has no bytes",
				source->name);
	if (source->size > LENGTH_MAX)
		return mdi_fail(MODISO_ERR_LIMIT,
				"image %s has %llu bytes, at most %llu are "
				"read",
				source->name, (unsigned long long)source->size,
				(unsigned long long)LENGTH_MAX);
	return 0;
}

int mdi_image_file_descriptor(struct mdi_scan_source *source, int fd)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return mdi_fail_os("fstat", "descriptor %d", fd);
	if (!S_ISREG(status.st_mode))
		return mdi_fail(MODISO_ERR_INVAL,
				"image %s is not a regular file", source->name);
	source->fd = fd;
	source->size = (uint64_t)status.st_size;
	source->nameless = status.st_nlink == 0;
	source->device = (uint64_t)status.st_dev;
	source->inode = (uint64_t)status.st_ino;
	return check_length(source);
}

/* There are systems and kinds of files of which none can be opened. */
static int not_opened(const char *path)
{
	int saved = errno;
	struct stat status;

	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
		return mdi_fail(MODISO_ERR_INVAL,
				"image %s is not a regular file", path);
	errno = saved;
	return mdi_fail_os("open", "%s", path);
}

int mdi_image_file_open(struct mdi_scan_source *source, const char *path)
{
	int saved = errno, fd, result;

	/* Not blocking: a FIFO without a writer must not hold us up. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		errno = saved;
		return mdi_fail(MODISO_ERR_NOENT, "there is no file %s", path);
	}
	if (fd < 0) {
		result = not_opened(path);
		if (result != MODISO_ERR_OS)
			errno = saved;
		return result;
	}
	source->fd = fd;
	result = mdi_image_file_descriptor(source, fd);
	if (result != 0)
		mdi_scan_source_close(source);
	return result;
}

int mdi_image_file_memory(struct mdi_scan_source *source, const void *bytes,
			  size_t length)
{
	source->image = bytes;
	source->size = length;
	return check_length(source);
}
