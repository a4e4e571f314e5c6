/* SPDX-License-Identifier: MIT */
#include "code/scan_source.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int mdi_scan_source_open(struct mdi_scan_source *source, const char *path)
{
	struct stat status;
	int result = 0;

	*source = (struct mdi_scan_source){ .name = path };
	/* Not blocking: a FIFO without a writer must not hold us up. */
	source->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (source->fd < 0)
		return mdi_fail_os("open", "%s", path);
	if (fstat(source->fd, &status) != 0)
		result = mdi_fail_os("fstat", "%s", path);
	else if (!S_ISREG(status.st_mode))
		result = mdi_fail(MODISO_ERR_FORMAT, "%s: no regular file",
				  path);
	else
		source->size = (uint64_t)status.st_size;
	if (result != 0)
		mdi_scan_source_close(source);
	return result;
}

void mdi_scan_source_close(struct mdi_scan_source *source)
{
	int saved = errno;

	close(source->fd);
	errno = saved;
}

bool mdi_scan_source_has(const struct mdi_scan_source *source, uint64_t offset,
			 uint64_t length)
{
	return offset <= source->size && length <= source->size - offset;
}

void mdi_scan_source_path(const struct mdi_scan_source *source, char *path,
			  size_t size)
{
	int saved = errno;
	ssize_t length = -1;
	char link[32];

	if (source->image == NULL && !source->nameless) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", source->fd);
		length = readlink(link, path, size - 1);
	}
	path[length > 0 ? length : 0] = '\0';
	errno = saved;
}

static int too_short(const struct mdi_scan_source *source, uint64_t offset)
{
	return mdi_fail(MODISO_ERR_FORMAT,
			"%s: truncated: wanted more at offset %#llx, it has "
			"%#llx bytes",
			source->name, (unsigned long long)offset,
			(unsigned long long)source->size);
}

int mdi_scan_source_read(const struct mdi_scan_source *source, uint64_t offset,
			 void *to, size_t length)
{
	char *next = to;
	ssize_t got;

	if (!mdi_scan_source_has(source, offset, length))
		return too_short(source, offset);
	if (source->image != NULL) {
		memcpy(to, source->image + offset, length);
		return 0;
	}
	while (length > 0) {
		int saved = errno;

		got = pread(source->fd, next, length, (off_t)offset);
		if (got < 0 && errno == EINTR) {
			errno = saved;
			continue;
		}
		if (got < 0)
			return mdi_fail_os("pread", "%s", source->name);
		if (got == 0)
			return too_short(source, offset);
		next += got;
		offset += (uint64_t)got;
		length -= (size_t)got;
	}
	return 0;
}
